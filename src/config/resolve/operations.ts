import { parseHostPort } from '../kit/address.ts';
import type { Report } from '../problems.ts';
import type { Settings } from '../schema/schema.ts';
import type { Tree } from '../tree.ts';
import type { HealthConfig, LogConfig, NotificationsConfig, TcpCheck } from '../types/operations.ts';

export function resolveLog(log: Settings['log']): LogConfig {
  return {
    level: log.level ?? 'info',
    formatter: log.formatter,
    fields: Object.fromEntries(
      Object.entries(log.fields).map(([name, value]) => [name, plainValue(value ?? null)]),
    ),
    accessLog: !log.accesslog.disabled,
    reportCaller: log.reportcaller,
  };
}

/** Numbers and truth values of a field are logged as such; a text that a number would not give back is a text. */
function plainValue(tree: Tree): unknown {
  if (tree === 'true' || tree === 'false') return tree === 'true';
  if (typeof tree === 'string') return tree !== '' && String(Number(tree)) === tree ? Number(tree) : tree;
  return tree;
}

export function resolveHealth(health: Settings['health'], report: Report): HealthConfig {
  const { storagedriver } = health;
  return {
    storageDriver: storagedriver.enabled
      ? { interval: storagedriver.interval, threshold: Math.max(1, storagedriver.threshold) }
      : undefined,
    files: health.file.map(({ file, interval, threshold }) => ({
      file,
      interval: every(interval),
      threshold: Math.max(1, threshold),
    })),
    http: health.http.map(({ uri, headers, statuscode, timeout, interval, threshold }, index) => {
      if (uri !== undefined && !/^https?:$/.test(URL.parse(uri)?.protocol ?? '')) {
        report.at('http').at(index).at('uri').problem('must be a URL with http:// or https://');
      }
      return {
        uri,
        headers,
        statusCode: statuscode,
        timeout,
        interval: every(interval),
        threshold: Math.max(1, threshold),
      };
    }),
    tcp: health.tcp.map((check, index) => resolveTcpCheck(check, report.at('tcp').at(index))),
  };
}

function resolveTcpCheck(check: Settings['health']['tcp'][number], report: Report): TcpCheck {
  const address = parseHostPort(check.addr ?? '');
  if (check.addr !== undefined && address?.host === undefined) {
    report.at('addr').problem(`expected HOST:PORT, found ${JSON.stringify(check.addr)}`);
  }
  return {
    host: address?.host ?? '',
    port: address?.port ?? 0,
    timeout: check.timeout,
    interval: every(check.interval),
    threshold: Math.max(1, check.threshold),
  };
}

/** As in distribution, an interval of nothing is the default. */
function every(interval: number): number {
  return interval > 0 ? interval : 10_000;
}

export function resolveNotifications(notifications: Settings['notifications']): NotificationsConfig {
  return {
    includeReferences: notifications.events.includereferences,
    endpoints: notifications.endpoints
      .filter(({ disabled }) => !disabled)
      .map((endpoint) => ({
        name: endpoint.name,
        url: endpoint.url,
        headers: endpoint.headers,
        timeout: endpoint.timeout,
        threshold: endpoint.threshold,
        backoff: endpoint.backoff,
        ignoredMediaTypes: [...endpoint.ignoredmediatypes, ...endpoint.ignore.mediatypes],
        ignoredActions: endpoint.ignore.actions,
      })),
  };
}
