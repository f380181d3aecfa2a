import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes after which the young generation is collected. */
const STEP = 4 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;

/**
 * Frees the buffers that bodies arrived in. V8 sees little of them but a few objects, so that its own young
 * collection comes too late, and the memory they hold outside of its heap makes it mark the whole heap instead:
 * once in 13 MB of a body that arrives, which took more than half of an upload's processor time, on all cores.
 * A young collection takes less than a millisecond; more of them would make old what lives for a moment only.
 */
class BufferGarbage {
  #collect: Collect | undefined;
  #bytes = 0;

  /** Takes note of a buffer that will soon be garbage. */
  arrived(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < STEP) return;
    this.#bytes = 0;
    this.#collect ??= exposedCollection();
    this.#collect({ type: 'minor' });
  }
}

function exposedCollection(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** One for the process, as the heap is. */
export const bufferGarbage = new BufferGarbage();
