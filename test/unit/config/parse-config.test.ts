import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { ConfigError } from '../../../src/config/problems.ts';
import { schema } from '../../../src/config/schema/schema.ts';
import type { Tree } from '../../../src/config/tree.ts';
import { parse, problemsOf, warningsOf } from '../../support/parse.ts';

describe('a configuration', () => {
  it('tells everything that is wrong at once, each with its path and what was meant', () => {
    const problems = problemsOf(`
storge: {}
http: { adr: ":1", draintimeout: soon, limits: { uploads: 0 } }
log: { level: loud }
catalog: { maxentries: many }
`);
    expect(problems).toEqual([
      'storge: unknown key; did you mean storage?',
      'log.level: expected error, warn, info or debug, found "loud"',
      'http.adr: unknown key; did you mean http.addr?',
      'http.draintimeout: expected a duration such as 1h30m, 10s or 500ms, found "soon"',
      'http.limits.uploads: expected a whole number from 1 up, found "0"',
      'catalog.maxentries: expected a whole number, found "many"',
    ]);
  });

  it.each([
    ['http: ":5000"', 'http: expected a mapping, found ":5000"'],
    ['http: { addr: [a] }', 'http.addr: expected a single value, found a list'],
    ['http: { trustedproxies: { a: b } }', 'http.trustedproxies: expected a list, found a mapping'],
    ['[a, b]', 'expected a mapping, found a list'],
    ['version: 0.2', 'version: expected 0.1, found "0.2"'],
  ])('refuses %s', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem]);
  });

  it('takes sections without anything in them for left out', () => {
    const sections = Object.keys(schema.fields).filter(
      (key) => !['reporting', 'compatibility'].includes(key),
    );
    const { config } = parse(sections.map((key) => `${key}:`).join('\n'));
    expect(config).toEqual(parse('').config);
  });

  it('is frozen all the way down', () => {
    const { config } = parse('mirror: { upstreams: [docker.io] }');
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.http.limits)).toBe(true);
    expect(Object.isFrozen(config.mirror?.upstreams[0]?.urls)).toBe(true);
  });

  it('warns of keys of 2.8 that mean nothing any more, once each', () => {
    expect(
      warningsOf(`
reporting: { bugsnag: { apikey: a }, newrelic: { licensekey: b } }
compatibility: { schema1: { enabled: true } }
redis: { addr: "a:1", pool: { maxidle: 1 } }
storage: { cache: { layerinfo: inmemory } }
`),
    ).toEqual([
      expect.stringMatching(/^storage.cache.layerinfo: /),
      expect.stringMatching(/^reporting: /),
      expect.stringMatching(/^compatibility: /),
      expect.stringMatching(/^redis: is not used/),
    ]);
  });

  it('never throws anything but its problems', () => {
    const keys = fc.constantFrom(
      ...Object.keys(schema.fields),
      'filesystem',
      's3',
      'builtin',
      'upstreams',
      'access',
      'tls',
      'urls',
      'x',
    );
    const values = fc.constantFrom(
      null,
      '',
      'a',
      '1',
      '0',
      'true',
      '10s',
      ':1',
      'https://a',
      '**',
      'docker.io',
    );
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        values,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const shaped = {
          storage: value,
          auth: { builtin: value },
          mirror: value,
          http: value,
          health: value,
        };
        for (const input of [value, shaped, { mirror: { upstreams: [value] }, proxy: value }]) {
          try {
            parseConfig(input, { environment: {} });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the effective configuration', () => {
  const secrets = `
storage: { s3: { bucket: b, region: r, accesskey: hunter2, secretkey: hunter2 } }
http: { secret: hunter2 }
mirror: { upstreams: [{ name: docker.io, username: me, password: hunter2 }] }
redis: { password: hunter2, sentinelpassword: hunter2 }
log: { hooks: [{ disabled: true, options: { smtp: { password: hunter2 } } }] }
middleware: { storage: [{ name: a, disabled: true, options: { key: hunter2 } }] }
notifications: { endpoints: [{ name: a, url: "http://a", disabled: true, headers: { Authorization: [hunter2] } }] }
health: { http: [{ uri: "http://a", headers: { Authorization: [hunter2] } }] }
`;

  it('hides secrets, wherever they are', () => {
    const { config, effective } = parse(secrets, { HTTPS_PROXY: 'http://me:hunter2@a' });
    expect(effective()).not.toContain('hunter2');
    expect(effective()).toContain('password: (hidden)');
    expect(JSON.stringify(config)).not.toContain('hunter2');
    expect(inspect(config, { depth: Infinity, showHidden: true })).not.toContain('hunter2');
    expect(config.http.secret?.reveal()).toBe('hunter2');
  });

  it.each([
    '',
    'storage: inmemory',
    'mirror: { upstreams: [docker.io, registry.k8s.io] }\nauth: { builtin: { users: /u } }',
    'http: { tls: { certificate: /a, key: /b }, draintimeout: 90s, prefix: /a/ }\nlog: { level: debug }',
    'storage: { s3: { bucket: b, region: r, chunksize: 33554433 } }',
  ])('means the same when it is read again: %j', (yaml) => {
    const { config, effective } = parse(yaml);
    expect(parse(effective())).toMatchObject({ config, warnings: [] });
    expect(parse(effective()).config).toEqual(config);
  });

  it('tells what was worked out', () => {
    const text = parse('mirror: { upstreams: [docker.io] }\nauth: { builtin: { users: /u } }').effective();
    expect(text).toContain('https://registry-1.docker.io');
    expect(text).toContain('docker.io/**');
  });
});

describe('what is not built yet', () => {
  it.each([
    'middleware: { storage: [{ name: cloudfront }] }',
    'notifications: { endpoints: [{ name: a, url: "http://a" }] }',
    'policy: { repository: { classes: [image] } }',
  ])('is refused where it could hurt: %s', (yaml) => {
    expect(problemsOf(yaml)).toHaveLength(1);
  });

  it.each([
    'redis: { addrs: ["a:1"] }',
    'storage: { cache: { blobdescriptor: redis } }',
    'log: { hooks: [{ type: mail }] }',
  ])('is warned of where it cannot: %s', (yaml) => {
    expect(warningsOf(yaml)).toHaveLength(1);
  });
});

describe('validation', () => {
  it('allows every URL by default, unlike distribution', () => {
    expect(parse('').config.validation).toEqual({
      disabled: false,
      urls: { allow: [], deny: [] },
      indexes: { platforms: 'all', platformList: [] },
    });
  });

  it("reads Go's regular expressions", () => {
    const { urls } = parse(`
validation: { manifests: { urls: { allow: ['(?i)^https?://([^/]+\\.)*example\\.com/', '(?P<host>a)\\z'] } } }
`).config.validation;
    expect(urls.allow[0]?.test('HTTPS://www.Example.com/x')).toBe(true);
    expect(urls.allow[1]?.test('xa')).toBe(true);
    expect(problemsOf('validation: { manifests: { urls: { deny: ["("] } } }')).toHaveLength(1);
  });

  it('knows the platforms of indexes', () => {
    expect(
      parse(
        'validation: { manifests: { indexes: { platforms: List, platformlist: [{ os: linux, architecture: amd64 }] } } }',
      ).config.validation.indexes,
    ).toEqual({ platforms: 'list', platformList: [{ os: 'linux', architecture: 'amd64' }] });
  });

  it('is on with enabled, whatever disabled says, as in distribution', () => {
    expect(parse('validation: { disabled: true }').config.validation.disabled).toBe(true);
    expect(parse('validation: { disabled: true, enabled: true }').config.validation.disabled).toBe(false);
  });
});

describe('smaller parts', () => {
  it('log has loglevel for an older name, and fields with their types', () => {
    expect(parse('loglevel: DEBUG').config.log.level).toBe('debug');
    expect(parse('loglevel: debug\nlog: { level: warn }').config.log.level).toBe('warn');
    expect(parse('log: { fields: { a: 1, b: true, c: x, d: "007" } }').config.log.fields).toEqual({
      a: 1,
      b: true,
      c: 'x',
      d: '007',
    });
  });

  it('pages hold 1000 names unless told', () => {
    expect(parse('catalog: { maxentries: -1 }\ntags: { maxtags: 0 }').config).toMatchObject({
      catalog: { maxEntries: 1000 },
      tags: { maxTags: 1000 },
    });
    expect(problemsOf('tags: { maxtags: -1 }')).toHaveLength(1);
  });

  it('health checks have the defaults of distribution', () => {
    expect(parse('health: { storagedriver: { enabled: true }, file: [{ file: /a }] }').config.health).toEqual(
      {
        storageDriver: { interval: 10_000, threshold: 1 },
        files: [{ file: '/a', interval: 10_000, threshold: 1 }],
        http: [],
        tcp: [],
      },
    );
  });
});
