/**
 * The memory through which bytes go to the workers, in slots of one size. The system gives it page by page, as
 * slots are first used, and those used last are used again first.
 */
export class HashMemory {
  readonly shared: SharedArrayBuffer;
  readonly #slotSize: number;
  readonly #free: number[] = [];
  readonly #waiting: ((offset: number) => void)[] = [];

  constructor(options: { readonly slots: number; readonly slotSize: number }) {
    this.#slotSize = options.slotSize;
    this.shared = new SharedArrayBuffer(options.slots * options.slotSize);
    for (let slot = options.slots - 1; slot >= 0; slot--) this.#free.push(slot * options.slotSize);
  }

  /** @returns a free slot's offset; undefined when there is none */
  tryTake(): number | undefined {
    return this.#free.pop();
  }

  /** Waits for a slot. Who waits first gets first. */
  take(): Promise<number> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Whether somebody waits for a slot. */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  give(offset: number): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(offset);
    else next(offset);
  }

  view(offset: number): Uint8Array {
    return new Uint8Array(this.shared, offset, this.#slotSize);
  }
}
