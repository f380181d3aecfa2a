import { costOf } from '../upstream/chunk-cost.ts';

/** Writes under way: the next bytes are taken while those before are still being written, as far as memory lets. */
export class Landings {
  readonly #room: () => number;
  readonly #running = new Set<Promise<void>>();
  #cost = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @param room bytes that may wait to be written */
  constructor(room: () => number) {
    this.#room = room;
  }

  /** Resolves when there is room for more. @throws what a write before this one failed with */
  async add(landing: Promise<void>, bytes: number): Promise<void> {
    const cost = costOf(bytes);
    this.#cost += cost;
    const running = landing
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#cost -= cost;
        this.#running.delete(running);
      });
    this.#running.add(running);
    while (this.#cost > this.#room() && this.#running.size > 0) await Promise.race(this.#running);
    this.#check();
  }

  /** Waits for all of them. @throws what one of them failed with */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
