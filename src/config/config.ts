import type { AuthConfig } from './types/auth.ts';
import type { HttpConfig } from './types/http.ts';
import type { MirrorConfig, OutgoingConfig, ProxyConfig } from './types/mirror.ts';
import type { HealthConfig, LogConfig, NotificationsConfig } from './types/operations.ts';
import type { StorageConfig } from './types/storage.ts';
import type { ValidationConfig } from './types/validation.ts';

/**
 * The whole configuration, parsed once and frozen. Durations are milliseconds, sizes are bytes, defaults are
 * resolved. The keys of the file that each part comes from are named in `config/default.yml`.
 */
export interface Config {
  readonly log: LogConfig;
  readonly storage: StorageConfig;
  readonly auth: AuthConfig;
  readonly http: HttpConfig;
  readonly health: HealthConfig;
  readonly notifications: NotificationsConfig;
  readonly catalog: { readonly maxEntries: number };
  readonly tags: { readonly maxTags: number };
  readonly validation: ValidationConfig;
  /** distribution's `proxy:`: the whole server mirrors one upstream. Never together with `mirror`. */
  readonly proxy: ProxyConfig | undefined;
  readonly mirror: MirrorConfig | undefined;
  readonly outgoing: OutgoingConfig;
}
