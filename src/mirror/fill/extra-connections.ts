/** Connections of a fill beyond its first; the fills from one upstream share what there is. */
export interface ExtraConnections {
  /** How many more may be taken now. */
  readonly left: number;
  take(): void;
  give(): void;
  /** Whether one is to be given back, for others. */
  readonly tooMany: boolean;
}

/** Shares the connections that an upstream is given evenly among the fills from it. */
export class ConnectionShares {
  readonly #most: number;
  #fills = 0;
  #extra = 0;

  /** @param most connections in all */
  constructor(most: number) {
    this.#most = most;
  }

  /** One fill more, which has a first connection in any case. `end` is called when it has given all others back. */
  begin(): ExtraConnections & { end(): void } {
    this.#fills++;
    let mine = 0;
    const share = (): number => Math.ceil(Math.max(0, this.#most - this.#fills) / this.#fills);
    const left = (): number => Math.min(share() - mine, this.#most - this.#fills - this.#extra);
    return {
      get left() {
        return left();
      },
      take: () => {
        mine++;
        this.#extra++;
      },
      give: () => {
        mine--;
        this.#extra--;
      },
      get tooMany() {
        return mine > share();
      },
      end: () => {
        this.#fills--;
      },
    };
  }
}
