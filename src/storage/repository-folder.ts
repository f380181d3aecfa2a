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
}
