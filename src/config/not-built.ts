import type { Setting } from './kit/setting.ts';
import type { Report } from './problems.ts';
import { schema } from './schema/schema.ts';
import { isTreeList, isTreeMap, type Tree } from './tree.ts';

/** A key that is understood and has nothing behind it yet. */
interface NotBuilt {
  /** Keys joined by dots; `[]` is every item of a list. */
  readonly path: string;
  /** Refused where leaving it out could hurt somebody, else warned of. */
  readonly verdict: 'refused' | 'warned';
  readonly message: string;
  /** Whether this value asks for it; default: any value that says something. */
  readonly when?: (value: Tree) => boolean;
}

const isOn = (value: Tree): boolean => typeof value === 'string' && /^(?:true|yes|on|y|1|t)$/i.test(value);
const isNotDisabled = (item: Tree): boolean => !isTreeMap(item) || !isOn(item.disabled ?? null);

/** What is not built yet. Whoever builds it strikes it out here. */
const NOT_BUILT: readonly NotBuilt[] = [
  {
    path: 'storage.gcs',
    verdict: 'refused',
    message: 'Google Cloud Storage is not supported yet; its S3-compatible interface may do, as storage.s3',
    when: () => true,
  },
  {
    path: 'storage.azure',
    verdict: 'refused',
    message: 'Azure Blob Storage is not supported yet',
    when: () => true,
  },
  {
    path: 'storage.swift',
    verdict: 'refused',
    message: 'is not supported; distribution 3 dropped it too',
    when: () => true,
  },
  {
    path: 'storage.oss',
    verdict: 'refused',
    message:
      'is not supported; distribution 3 dropped it too; its S3-compatible interface may do, as storage.s3',
    when: () => true,
  },
  {
    path: 'middleware.registry[]',
    verdict: 'refused',
    message: 'middleware is not supported yet',
    when: isNotDisabled,
  },
  {
    path: 'middleware.repository[]',
    verdict: 'refused',
    message: 'middleware is not supported yet',
    when: isNotDisabled,
  },
  {
    path: 'middleware.storage[]',
    verdict: 'refused',
    message: 'middleware is not supported yet',
    when: isNotDisabled,
  },
  {
    path: 'notifications.endpoints[]',
    verdict: 'refused',
    message: 'notifications are not sent yet, and their events would be lost; disabled: true leaves it aside',
    when: isNotDisabled,
  },
  {
    path: 'http.tls.letsencrypt',
    verdict: 'refused',
    message:
      "certificates from Let's Encrypt are not fetched yet; give http.tls.certificate and http.tls.key",
  },
  {
    path: 'policy.repository.classes[]',
    verdict: 'refused',
    message: 'is not enforced yet',
  },
  {
    path: 'mirror.evict',
    verdict: 'refused',
    message: 'nothing is evicted yet, and the storage would fill up; leave it out',
  },
  {
    path: 'proxy.ttl',
    verdict: 'warned',
    message: 'has no effect yet: nothing is removed, and what was fetched is kept for ever',
    when: (value) => typeof value === 'string' && value !== '168h' && !/^0[a-z]*$/.test(value),
  },
  {
    path: 'proxy.cachewritetimeout',
    verdict: 'warned',
    message: 'has no effect: a blob is fetched for as long as new bytes come',
    when: (value) => value !== '5m',
  },
  {
    path: 'redis',
    verdict: 'warned',
    message: 'is not used: what distribution caches there is kept in memory here',
  },
  {
    path: 'storage.cache.blobdescriptor',
    verdict: 'warned',
    message: 'redis is not used; descriptors are kept in memory',
    when: (value) => value === 'redis',
  },
  {
    path: 'log.hooks[]',
    verdict: 'warned',
    message: 'no mails are sent yet',
    when: isNotDisabled,
  },
  {
    path: 'log.reportcaller',
    verdict: 'warned',
    message: 'places in the source are not named in the log',
    when: isOn,
  },
  {
    path: 'storage.filesystem.maxthreads',
    verdict: 'warned',
    message: "has no effect: Node's own pool of threads bounds file operations",
    when: (value) => value !== '100',
  },
  {
    path: 'storage.tag.concurrencylimit',
    verdict: 'warned',
    message: 'has no effect: how many tags are looked at together is chosen here',
    when: (value) => value !== '0',
  },
  {
    path: 'storage.cache.blobdescriptorsize',
    verdict: 'warned',
    message: 'has no effect: what is cached is bounded by bytes here',
    when: (value) => value !== '10000',
  },
  {
    path: 'http.h2c.enabled',
    verdict: 'warned',
    message: 'HTTP/2 without TLS is not spoken yet; HTTP/1.1 is',
    when: isOn,
  },
];

/** Tells of everything in the configuration that is not built yet, each with what it would leave out. */
export function reportNotBuilt(tree: Tree, report: Report): void {
  for (const entry of NOT_BUILT) {
    for (const { value, at } of find({ setting: schema, value: tree, at: report }, entry.path.split('.'))) {
      if (!(entry.when ?? saysSomething)(value)) continue;
      if (entry.verdict === 'refused') at.problem(entry.message);
      else at.warning(entry.message);
    }
  }
}

interface Found {
  readonly setting: Setting;
  readonly value: Tree;
  readonly at: Report;
}

function find(found: Found, steps: readonly string[]): Found[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [found];
  const key = step.replace('[]', '');
  const inner = entryOf(found, key);
  if (inner === undefined) return [];
  if (key === step) return find(inner, rest);
  const { setting, value, at } = inner;
  if (setting.kind !== 'list' || !isTreeList(value)) return [];
  return value.flatMap((item, index) => find({ setting: setting.item, value: item, at: at.at(index) }, rest));
}

/** What stands under a key, a text that stands for a mapping included (`storage: gcs`). */
function entryOf({ setting, value, at }: Found, key: string): Found | undefined {
  if (setting.kind !== 'section') return undefined;
  const map = typeof value === 'string' && setting.expand !== undefined ? setting.expand(value) : value;
  const inner = setting.fields[key];
  if (!isTreeMap(map) || inner === undefined || !Object.hasOwn(map, key)) return undefined;
  return { setting: inner, value: map[key] ?? null, at: at.at(key) };
}

function saysSomething(value: Tree): boolean {
  if (value === null || value === '') return false;
  if (typeof value === 'string') return true;
  return Object.values(value).some(saysSomething);
}
