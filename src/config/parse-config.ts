import { completeSettings } from './complete.ts';
import type { Config } from './config.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { deepFreeze } from './kit/deep-freeze.ts';
import { readSetting } from './kit/read-setting.ts';
import { showSetting } from './kit/show-setting.ts';
import { reportNotBuilt } from './not-built.ts';
import { readOutgoing } from './outgoing.ts';
import { ConfigError, type Remark, Report } from './problems.ts';
import { resolveAuth } from './resolve/auth.ts';
import { resolveHttp } from './resolve/http.ts';
import { resolveMirror, resolveProxy } from './resolve/mirror.ts';
import { resolveHealth, resolveLog, resolveNotifications } from './resolve/operations.ts';
import { resolveStorage } from './resolve/storage.ts';
import { resolveValidation } from './resolve/validation.ts';
import { type Settings, schema } from './schema/schema.ts';
import type { Tree } from './tree.ts';
import { formatYaml } from './yaml.ts';

export interface ParsedConfig {
  readonly config: Config;
  readonly warnings: readonly Remark[];
  /** What is in force, as YAML in the words of the file, with secrets hidden. */
  effective(): string;
}

export interface ParseOptions {
  readonly environment: Environment;
  /** Whether this runs in the image, which keeps its data elsewhere. Default: no. */
  readonly image?: boolean;
}

/**
 * What a file and the environment say, with all defaults. Pure.
 * @throws ConfigError with every problem and warning
 */
export function parseConfig(file: Tree, { environment, image = false }: ParseOptions): ParsedConfig {
  const report = new Report();
  const tree = applyEnvironment(file, { schema, environment, report });
  const settings = completeSettings(readSetting(schema, tree, report), { image });
  reportNotBuilt(tree, report);
  const config = resolveConfig(settings, { environment, report });
  if (report.problems.length > 0) throw new ConfigError(report.problems, report.warnings);
  return {
    config: deepFreeze(config),
    warnings: report.warnings,
    effective: () => formatYaml(showSetting(schema, settings)),
  };
}

interface Resolving {
  readonly environment: Environment;
  readonly report: Report;
}

function resolveConfig(settings: Settings, { environment, report }: Resolving): Config {
  const proxy = resolveProxy(settings, report.at('proxy'));
  const mirror = resolveMirror(settings.mirror, report.at('mirror'));
  if (proxy !== undefined && mirror !== undefined) {
    report
      .at('proxy')
      .problem(
        'makes the whole server one mirror, so there cannot be a mirror beside it: leave out one of them',
      );
  }
  return {
    log: resolveLog(settings.log),
    storage: resolveStorage(settings.storage, report.at('storage')),
    auth: resolveAuth(settings.auth, report.at('auth')),
    http: resolveHttp(settings.http, report.at('http')),
    health: resolveHealth(settings.health, report.at('health')),
    notifications: resolveNotifications(settings.notifications),
    catalog: { maxEntries: settings.catalog.maxentries },
    tags: { maxTags: settings.tags.maxtags },
    validation: resolveValidation(settings.validation, report.at('validation')),
    proxy,
    mirror,
    outgoing: readOutgoing(environment, report),
  };
}
