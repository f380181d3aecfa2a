import { ACCOUNT } from './access-pattern.ts';
import type { Settings } from './schema/schema.ts';
import { DOCKER_HUB, WELL_KNOWN_UPSTREAMS } from './well-known-upstreams.ts';

type UpstreamSettings = Settings['mirror']['upstreams'][number];
type BuiltinSettings = NonNullable<Settings['auth']['builtin']>;
type RuleSettings = NonNullable<BuiltinSettings['access']>[number];

/** Fills in the defaults that depend on other keys or on where the server runs. */
export function completeSettings(settings: Settings, { image }: { image: boolean }): Settings {
  const upstreams = completeUpstreams(settings.mirror.upstreams);
  const mirror = {
    ...settings.mirror,
    upstreams,
    default: settings.mirror.default ?? defaultUpstream(upstreams),
  };
  const { builtin } = settings.auth;
  return {
    ...settings,
    log: { ...settings.log, level: settings.log.level ?? settings.loglevel ?? 'info' },
    loglevel: undefined,
    storage: completeStorage(settings.storage, image),
    catalog: { maxentries: settings.catalog.maxentries > 0 ? settings.catalog.maxentries : 1000 },
    tags: { maxtags: settings.tags.maxtags > 0 ? settings.tags.maxtags : 1000 },
    mirror,
    auth: {
      ...settings.auth,
      builtin: builtin && { ...builtin, access: builtin.access ?? defaultAccess({ ...settings, mirror }) },
    },
  };
}

function completeStorage(storage: Settings['storage'], image: boolean): Settings['storage'] {
  const { filesystem, s3, s3aws, inmemory, gcs, azure, swift, oss } = storage;
  const drivers = [s3, s3aws, inmemory, gcs, azure, swift, oss];
  if (filesystem === undefined && drivers.some((driver) => driver !== undefined)) return storage;
  const rootdirectory = filesystem?.rootdirectory ?? (image ? '/var/lib/registry' : './data');
  return {
    ...storage,
    filesystem: { rootdirectory, maxthreads: Math.max(25, filesystem?.maxthreads ?? 100) },
  };
}

/**
 * Gives well-known upstreams their URLs and other names; what the file says of a name itself comes before what is
 * well known of it.
 */
function completeUpstreams(upstreams: readonly UpstreamSettings[]): UpstreamSettings[] {
  const said = new Set(upstreams.flatMap(({ name, aliases }) => [name, ...aliases].map(lowerCase)));
  return upstreams.map((upstream) => {
    const name = lowerCase(upstream.name);
    const known = WELL_KNOWN_UPSTREAMS.get(name);
    // The port of https goes without saying: another one is another registry.
    const aliases = upstream.aliases.map((alias) => lowerCase(alias).replace(/:443$/, ''));
    return {
      ...upstream,
      name,
      urls: upstream.urls.length > 0 ? upstream.urls : (known?.urls ?? []),
      aliases: [...aliases, ...(known?.aliases ?? []).filter((alias) => !said.has(alias))],
    };
  });
}

/** A required text is undefined where it was left out, which is reported elsewhere. */
function lowerCase(name: string | undefined): string {
  return name?.toLowerCase() ?? '';
}

function defaultUpstream(upstreams: readonly UpstreamSettings[]): string | undefined {
  return upstreams.find(({ name }) => name === DOCKER_HUB)?.name ?? upstreams[0]?.name;
}

/** Administrators do everything, everybody pushes and pulls below their own name, what is mirrored anyone pulls. */
function defaultAccess({ mirror, proxy }: Pick<Settings, 'mirror' | 'proxy'>): RuleSettings[] {
  const mirrored = proxy.remoteurl === undefined ? mirror.upstreams.map(({ name }) => `${name}/**`) : ['**'];
  return [
    { account: undefined, group: 'admins', repository: '**', actions: ['*'] },
    { account: '*', group: undefined, repository: `${ACCOUNT}/**`, actions: ['pull', 'push', 'delete'] },
    ...mirrored.map(
      (repository): RuleSettings => ({
        account: 'anonymous',
        group: undefined,
        repository,
        actions: ['pull'],
      }),
    ),
  ];
}
