export interface RepositoryFolder {
  readonly name: string;
  /** Its folders that are no repositories: `_layers`, `_manifests`, `_uploads`. */
  readonly parts: ReadonlySet<string>;
}

export interface WalkOptions {
  /** Only what comes behind this name in the walk's order, whether it exists or not. */
  readonly after?: string;
  /** How many are wanted, when that is known: more come when more are asked for. */
  readonly wanted?: number;
  readonly signal?: AbortSignal;
  /** What the walks before found; counts where repositories are found by listing keys. */
  readonly density?: KeyDensity;
}

/** How many keys repositories have, lately. */
export class KeyDensity {
  #average: number;

  constructor(guess: number) {
    this.#average = guess;
  }

  get average(): number {
    return this.#average;
  }

  learn({ keys, repositories }: { readonly keys: number; readonly repositories: number }): void {
    if (repositories > 0) this.#average = (this.#average + keys / repositories) / 2;
  }
}
