import { isRepositoryNameComponent } from '../../oci/repository-name.ts';
import { patternProblem } from '../access-pattern.ts';
import { nearest } from '../kit/nearest.ts';
import type { Report } from '../problems.ts';
import type { Settings } from '../schema/schema.ts';
import type { Secret } from '../secret.ts';
import type {
  MirrorConfig,
  ProxyConfig,
  TransferConfig,
  UpstreamConfig,
  UpstreamCredentials,
} from '../types/mirror.ts';
import { DOCKER_HUB, isDockerHubHost, WELL_KNOWN_UPSTREAMS } from '../well-known-upstreams.ts';
import { Names } from './names.ts';

type MirrorSettings = Settings['mirror'];
type UpstreamSettings = MirrorSettings['upstreams'][number];

/** A name or an address, perhaps with a port. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::\d+)?$/i;
const PORT = /:\d+$/;

/** Undefined where no upstream is listed. */
export function resolveMirror(mirror: MirrorSettings, report: Report): MirrorConfig | undefined {
  const at = report.at('upstreams');
  const upstreams = mirror.upstreams.map((upstream, index) => resolveUpstream(upstream, at.at(index)));
  const names = new Names('name');
  const hosts = new Names('host');
  mirror.upstreams.forEach((upstream, index) => {
    const named = names.claim(upstream.name, { by: index, report: at.at(index).at('name') });
    for (const alias of named ? upstream.aliases : []) {
      names.claim(alias, { by: index, report: at.at(index).at('aliases') });
    }
    for (const host of upstreams[index]?.hosts ?? []) {
      hosts.claim(host, { by: index, report: at.at(index).at('hosts') });
    }
  });
  const listed = names.ownerOf(mirror.default?.toLowerCase() ?? '');
  const standard = listed === undefined ? undefined : upstreams[listed];
  if (mirror.default !== undefined && standard === undefined) {
    const meant = nearest(mirror.default, names.all());
    report
      .at('default')
      .problem(
        `${mirror.default} is not one of mirror.upstreams${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      );
  }
  const [first] = upstreams;
  if (first === undefined) return undefined;
  const { unusedfor, maxsize } = mirror.evict;
  return {
    upstreams,
    default: (standard ?? first).name,
    ...resolveTransfers(mirror),
    evict:
      unusedfor === undefined && maxsize === undefined
        ? undefined
        : { unusedFor: unusedfor, maxSize: maxsize },
  };
}

function resolveTransfers({ timeouts, spool }: MirrorSettings): TransferConfig {
  const { connect, firstbyte: firstByte, tagcheck: tagCheck, stall, fill } = timeouts;
  return {
    timeouts: { connect, firstByte, tagCheck, stall, fill },
    spool: { directory: spool.directory, maxSize: spool.maxsize },
  };
}

function resolveUpstream(upstream: UpstreamSettings, report: Report): UpstreamConfig {
  const { name } = upstream;
  if (name !== '' && !isRepositoryNameComponent(name)) {
    report
      .at('name')
      .problem(`${JSON.stringify(name)} cannot stand before a repository name; put an address under urls`);
  } else if (name !== '' && upstream.urls.length === 0) {
    const meant = nearest(name, WELL_KNOWN_UPSTREAMS.keys());
    report
      .at('urls')
      .problem(
        `must be given, since ${name} is not well known${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      );
  }
  upstream.allow.forEach((pattern, index) => {
    const wrong = patternProblem(pattern, { account: false });
    if (wrong !== undefined) report.at('allow').at(index).problem(wrong);
  });
  if (upstream.ca !== undefined && upstream.insecure) {
    report.at('insecure').problem('takes any certificate, so that ca has no effect: leave one of them out');
  }
  upstream.hosts.forEach((host, index) => {
    if (!HOST.test(host)) {
      report
        .at('hosts')
        .at(index)
        .problem(`expected a host name, found ${JSON.stringify(host)}`);
    }
  });
  upstream.aliases.forEach((alias, index) => {
    if (isRepositoryNameComponent(alias.replace(PORT, ''))) return;
    report
      .at('aliases')
      .at(index)
      .problem(`expected another name of ${name}, found ${JSON.stringify(alias)}`);
  });
  const urls = upstream.urls.map((url, index) => resolveUrl(url, report.at('urls').at(index)));
  return {
    name,
    urls: urls.map(({ url }) => url),
    hosts: upstream.hosts.map((host) => host.toLowerCase().replace(PORT, '').replace(/\.$/, '')),
    aliases: upstream.aliases,
    dockerHub: name === DOCKER_HUB || urls.some(({ host }) => isDockerHubHost(host)),
    credentials: resolveCredentials(upstream, report),
    tagTtl: upstream.tagttl,
    ca: upstream.ca,
    insecure: upstream.insecure,
    allow: upstream.allow,
  };
}

/** What `mirror` says of transfers counts for a proxy too. */
export function resolveProxy(
  { proxy, mirror }: Pick<Settings, 'proxy' | 'mirror'>,
  report: Report,
): ProxyConfig | undefined {
  const { remoteurl, username, password, exec } = proxy;
  if (remoteurl === undefined) {
    if (username !== undefined || password !== undefined || exec.command !== undefined) {
      report.at('remoteurl').warning('is left out, so there is no proxy, whatever else stands here');
    }
    return undefined;
  }
  return {
    remoteUrl: resolveUrl(remoteurl, report.at('remoteurl')).url,
    credentials: resolveCredentials({ ...proxy, passwordfile: undefined }, report),
    ttl: proxy.ttl,
    cacheWriteTimeout: proxy.cachewritetimeout,
    ...resolveTransfers(mirror),
  };
}

function resolveUrl(text: string, report: Report): { url: string; host: string } {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    report.problem('must be a URL with http:// or https://');
    return { url: '', host: '' };
  }
  if (url.username !== '' || url.password !== '') {
    report.problem('must not hold a login: username and password are keys of their own');
  }
  if (/^\/v2(?:\/|$)/.test(url.pathname)) {
    report.warning('has the path /v2, which goes behind the /v2/ of every request: leave it out');
  }
  if (url.search !== '' || url.hash !== '') report.problem('must not hold a query or a fragment');
  return { url: url.origin + url.pathname.replace(/\/+$/, ''), host: url.hostname };
}

interface CredentialSettings {
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly passwordfile: string | undefined;
  readonly exec: Settings['proxy']['exec'];
}

function resolveCredentials(
  { username, password, passwordfile, exec }: CredentialSettings,
  report: Report,
): UpstreamCredentials | undefined {
  // As in distribution, a helper comes before a password that stands beside it.
  if (exec.command !== undefined) return { kind: 'helper', command: exec.command, lifetime: exec.lifetime };
  if (exec.lifetime !== undefined)
    report.at('exec').at('command').problem('must be given where there is a lifetime');
  if (password !== undefined && passwordfile !== undefined) {
    report.at('passwordfile').problem('must not stand beside password');
  }
  if (username === undefined) {
    if (password !== undefined || passwordfile !== undefined) {
      report.at('username').problem('must be given where there is a password');
    }
    return undefined;
  }
  if (passwordfile !== undefined) return { kind: 'passwordfile', username, path: passwordfile };
  if (password !== undefined) return { kind: 'password', username, password };
  report.at('password').problem('must be given where there is a username');
  return undefined;
}
