import type { Config } from '../config/config.ts';
import type { RegistrySettings } from '../registry/registry-api.ts';

/** What the HTTP API needs of the configuration. */
export function registrySettings(config: Config): RegistrySettings {
  const { validation, http, storage } = config;
  return {
    deleteEnabled: storage.deleteEnabled,
    readOnly: storage.readOnly,
    relativeUrls: http.relativeUrls,
    maxCatalogEntries: config.catalog.maxEntries,
    maxTags: config.tags.maxTags,
    maxManifestSize: http.limits.manifestSize,
    idleBody: http.limits.bodyTimeout,
    manifests: {
      disabled: validation.disabled,
      urls: validation.urls,
      indexes: { platforms: validation.indexes.platforms, list: validation.indexes.platformList },
    },
  };
}
