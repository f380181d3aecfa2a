export interface ValidationConfig {
  /** Takes manifests whose config, layers or children are not here. */
  readonly disabled: boolean;
  readonly urls: {
    /** Empty: every URL is allowed. */
    readonly allow: readonly RegExp[];
    readonly deny: readonly RegExp[];
  };
  readonly indexes: {
    readonly platforms: 'all' | 'none' | 'list';
    readonly platformList: readonly Platform[];
  };
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}
