/** Which manifests are taken: distribution's `validation`. */
export interface ManifestRules {
  /** Manifests are taken whatever they name. */
  readonly disabled: boolean;
  /** Patterns that a layer's `urls` must and must not match; empty `allow` allows every URL. */
  readonly urls: { readonly allow: readonly RegExp[]; readonly deny: readonly RegExp[] };
  /** Which children of an index must be here. */
  readonly indexes: {
    readonly platforms: 'all' | 'none' | 'list';
    readonly list: readonly { readonly os: string; readonly architecture: string }[];
  };
}
