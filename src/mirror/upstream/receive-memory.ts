import type { ReceiveSlabs } from './received-bytes.ts';
import { type Slab, Slabs } from './slabs.ts';

/** Bytes of a slab, and how many that nobody holds are kept for later. */
const SLAB = { size: 256 * 1024, mostSpare: 32 };
const LARGE = { size: 1024 * 1024, mostSpare: 4 };
/** Large slabs in use at the same time: with all others, the small ones do. */
const MOST_LARGE = 12;

/**
 * Memory that the connections to an upstream receive into. Each read costs a round of the event loop and of everybody
 * who gets the bytes, so where they come faster than they are taken, more is read at a time.
 */
export class ReceiveMemory implements ReceiveSlabs {
  readonly #small = new Slabs(SLAB);
  readonly #large = new Slabs(LARGE);

  take(last: number): Slab {
    const waiting = last >= SLAB.size;
    return waiting && this.#large.taken < MOST_LARGE ? this.#large.take() : this.#small.take();
  }
}
