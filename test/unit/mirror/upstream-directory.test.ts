import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type NameRequest,
  type Resolution,
  UpstreamDirectory,
} from '../../../src/mirror/resolution/upstream-directory.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';

const directory = new UpstreamDirectory([
  {
    name: 'docker.io',
    hosts: ['Dockerhub.mirror.example'],
    aliases: ['index.docker.io'],
    dockerHub: true,
  },
  { name: 'gcr.io', hosts: ['gcr.mirror.example:8443'] },
  { name: 'quay.io', hosts: ['quay.mirror.example'], aliases: ['q.example:5000'] },
  { name: 'registry.k8s.io', aliases: ['k8s.gcr.io'] },
]);

type Ways = Omit<NameRequest, 'name'>;
const resolve = (name: string, ways: Ways = {}, where = directory): Resolution =>
  where.resolve({ name: parseRepositoryName(name), ...ways });

/** `<how> <stored name>`, or the kind with what it names. */
function show(resolution: Resolution): string {
  switch (resolution.kind) {
    case 'hosted':
      return `hosted ${resolution.name}`;
    case 'bare':
      return `bare ${resolution.name} or ${resolution.namesake.storedName}`;
    case 'mirrored':
      return `${resolution.how} ${resolution.target.storedName}`;
    case 'unknown':
      return 'unknown';
  }
}

describe('finding the upstream', () => {
  const cases: [string, Ways, string][] = [
    ['nginx', {}, 'bare nginx or docker.io/library/nginx'],
    ['library/nginx', {}, 'bare library/nginx or docker.io/library/nginx'],
    ['team/app', {}, 'bare team/app or docker.io/team/app'],
    ['docker.io/nginx', {}, 'path docker.io/library/nginx'],
    ['docker.io/library/nginx', {}, 'path docker.io/library/nginx'],
    ['index.docker.io/nginx', {}, 'path docker.io/library/nginx'],
    ['gcr.io/google_containers/pause', {}, 'path gcr.io/google_containers/pause'],
    ['k8s.gcr.io/pause', {}, 'path registry.k8s.io/pause'],
    ['nginx', { ns: 'docker.io' }, 'ns docker.io/library/nginx'],
    ['library/nginx', { ns: 'DOCKER.IO' }, 'ns docker.io/library/nginx'],
    ['library/nginx', { ns: 'docker.io:443' }, 'ns docker.io/library/nginx'],
    ['docker.io/nginx', { ns: 'docker.io' }, 'ns docker.io/library/nginx'],
    ['pause', { ns: 'k8s.gcr.io' }, 'ns registry.k8s.io/pause'],
    ['k8s.gcr.io/pause', { ns: 'registry.k8s.io' }, 'ns registry.k8s.io/pause'],
    ['x', { ns: 'q.example:5000' }, 'ns quay.io/x'],
    ['x', { ns: 'q.example' }, 'hosted x'],
    ['x', { ns: 'other.example' }, 'hosted x'],
    ['docker.io/library/x', { ns: 'other.example' }, 'unknown'],
    ['x', { ns: '' }, 'bare x or docker.io/library/x'],
    ['library/nginx', { host: 'dockerhub.mirror.example' }, 'host docker.io/library/nginx'],
    ['nginx', { host: 'DockerHub.Mirror.Example:5000' }, 'host docker.io/library/nginx'],
    ['google_containers/pause', { host: 'gcr.mirror.example' }, 'host gcr.io/google_containers/pause'],
    [
      'gcr.io/google_containers/pause',
      { host: 'gcr.mirror.example.' },
      'host gcr.io/google_containers/pause',
    ],
    ['x', { host: 'gcr.mirror.example', ns: 'quay.io' }, 'ns quay.io/x'],
    ['quay.io/x', { host: 'gcr.mirror.example' }, 'host gcr.io/quay.io/x'],
    ['x', { host: 'here.example:5000' }, 'bare x or docker.io/library/x'],
    ['deis/go-dev', { prefix: 'quay.io' }, 'path quay.io/deis/go-dev'],
    ['quay.io/deis/go-dev', { prefix: 'quay.io' }, 'path quay.io/deis/go-dev'],
    ['nginx', { prefix: 'docker.io', ns: 'docker.io' }, 'ns docker.io/library/nginx'],
    ['nginx', { prefix: 'no.example' }, 'unknown'],
    ['docker.io', {}, 'unknown'],
    ['docker.io', { ns: 'docker.io' }, 'ns docker.io/library/docker.io'],
    ['docker.io/docker.io/x', {}, 'path docker.io/docker.io/x'],
  ];
  it.each(cases)('%s asked with %j is %s', (name, ways, expected) => {
    expect(show(resolve(name, ways))).toBe(expected);
  });

  it('keeps library/ for Docker Hub alone', () => {
    expect(resolve('pause', { ns: 'gcr.io' })).toMatchObject({
      target: { upstream: 'gcr.io', upstreamName: 'pause', storedName: 'gcr.io/pause' },
    });
  });

  it('takes the first upstream for bare names where none is named', () => {
    const two = new UpstreamDirectory([{ name: 'quay.io' }, { name: 'gcr.io' }]);
    expect(show(resolve('x', {}, two))).toBe('bare x or quay.io/x');
  });

  it('takes the default that is named', () => {
    const two = new UpstreamDirectory([{ name: 'docker.io' }, { name: 'gcr.io' }], 'gcr.io');
    expect(show(resolve('x', {}, two))).toBe('bare x or gcr.io/x');
  });

  it('holds everything for hosted where there is no upstream', () => {
    expect(show(resolve('docker.io/x', {}, new UpstreamDirectory([])))).toBe('hosted docker.io/x');
  });

  it('refuses a name for two upstreams', () => {
    const twice = () => new UpstreamDirectory([{ name: 'a.example' }, { name: 'b', aliases: ['a.example'] }]);
    expect(twice).toThrow(/both/);
    expect(() => new UpstreamDirectory([{ name: 'a' }, { name: 'A' }])).toThrow(/twice/);
    expect(() => new UpstreamDirectory([{ name: 'a:5000' }])).toThrow(/port/);
    expect(() => new UpstreamDirectory([{ name: 'a' }], 'b')).toThrow(/default/);
  });
});

const component = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

describe('finding the upstream, for any name', () => {
  it('finds the same repository by ns, by path and by both', () => {
    fc.assert(
      fc.property(path, fc.constantFrom('docker.io', 'gcr.io', 'quay.io'), (name, upstream) => {
        const stored = (resolution: Resolution) =>
          resolution.kind === 'mirrored' ? resolution.target.storedName : undefined;
        const byNs = stored(resolve(name, { ns: upstream }));
        expect(byNs).toBeDefined();
        expect(stored(resolve(`${upstream}/${name}`))).toBe(byNs);
        expect(stored(resolve(name, { prefix: upstream }))).toBe(byNs);
        expect(stored(resolve(`${upstream}/${name}`, { ns: upstream }))).toBe(byNs);
      }),
    );
  });

  it('resolves what it resolved to once more to the same', () => {
    fc.assert(
      fc.property(path, fc.option(fc.constantFrom('docker.io', 'k8s.gcr.io', 'quay.io')), (name, ns) => {
        const first = resolve(name, { ns: ns ?? undefined });
        const target =
          first.kind === 'bare' ? first.namesake : first.kind === 'mirrored' ? first.target : undefined;
        expect(target).toBeDefined();
        if (target === undefined) return;
        expect(resolve(target.storedName)).toEqual({ kind: 'mirrored', how: 'path', target });
      }),
    );
  });
});
