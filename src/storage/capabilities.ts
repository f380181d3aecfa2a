/** As in `driver.ts`. */
type Key = string;

/** What only some storages can do. Whoever has no use for the lack of one goes the long way. */
export interface StorageCapabilities {
  readonly flatLister?: FlatLister;
  readonly signedUrls?: SignedUrls;
  readonly unfinishedWrites?: UnfinishedWrites;
  /** To write a small object costs no more than to ask whether it is there, also when the storage is full. */
  readonly cheapWrites?: true;
}

export interface FlatListOptions {
  /** Only keys that sort behind this one, whether it exists or not. */
  readonly after?: Key;
  /** At most so many keys; what the lister gives at once may be fewer. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface FlatPage {
  /** In ASCII order of the whole keys. */
  readonly keys: readonly Key[];
  readonly more: boolean;
}

/** Lists keys however deep they lie, as a bucket does: many in one request. */
export interface FlatLister {
  /**
   * Up to about a thousand keys, at least one when there is any.
   * @param prefix the beginning of the keys, often a folder with its slash
   * @throws StorageUnavailableError
   */
  listFlat(prefix: string, options?: FlatListOptions): Promise<FlatPage>;
}

/** Gives out URLs that open one object to whoever has them. */
export interface SignedUrls {
  /** For GET, with or without a range. The object need not exist. */
  signedReadUrl(key: Key, options: { readonly expiresInSeconds: number }): Promise<string>;
}

export interface UnfinishedWriteOptions {
  /** Only what is being written to keys that begin so. Default: everywhere in the registry's tree. */
  readonly prefix?: string;
  /** Only what was begun, and last added to, before this. */
  readonly before: Date;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Finds what writers that died left where no key shows it: multipart uploads of a bucket. */
export interface UnfinishedWrites {
  /** @returns the keys that were being written, one for each write that was (or would be) thrown away */
  abandon(options: UnfinishedWriteOptions): Promise<readonly Key[]>;
}
