/** A piece of memory that is used again when nobody holds it any more. */
export interface Slab {
  readonly memory: Buffer;
  /** One holder more. */
  hold(): void;
  /** One holder less. */
  letGo(): void;
}

/** Memory for what arrives, of one size, kept for later up to a bound. */
export class Slabs {
  readonly #size: number;
  readonly #mostSpare: number;
  readonly #spare: Buffer[] = [];
  #taken = 0;

  /** @param options `size` in bytes; `mostSpare` how many that nobody holds are kept */
  constructor(options: { readonly size: number; readonly mostSpare: number }) {
    this.#size = options.size;
    this.#mostSpare = options.mostSpare;
  }

  /** How many somebody holds. */
  get taken(): number {
    return this.#taken;
  }

  /** @returns a slab with one holder */
  take(): Slab {
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#size);
    let holders = 1;
    this.#taken++;
    return {
      memory,
      hold: () => {
        holders++;
      },
      letGo: () => {
        holders--;
        if (holders !== 0) return;
        this.#taken--;
        if (this.#spare.length < this.#mostSpare) this.#spare.push(memory);
      },
    };
  }
}
