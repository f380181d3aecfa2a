import { describe, expect, it } from 'vitest';
import { parse, problemsOf, warningsOf } from '../../support/parse.ts';

describe('REGISTRY_* variables', () => {
  it('go over what the file says', () => {
    const { config } = parse('http: { addr: ":5000", prefix: /a/ }', { REGISTRY_HTTP_ADDR: 'localhost:1' });
    expect(config.http).toMatchObject({ listen: { address: 'localhost:1' }, prefix: '/a' });
  });

  it('are YAML', () => {
    const { config } = parse('', {
      REGISTRY_HTTP_HEADERS: '{ X-A: [b, c] }',
      REGISTRY_MIRROR_UPSTREAMS: '[docker.io, quay.io]',
      REGISTRY_STORAGE_DELETE_ENABLED: 'yes',
    });
    expect(config.http.headers).toEqual({ 'X-A': ['b', 'c'] });
    expect(config.mirror?.upstreams.map(({ name }) => name)).toEqual(['docker.io', 'quay.io']);
    expect(config.storage.deleteEnabled).toBe(true);
  });

  it('count the more, the more they say, whatever their order', () => {
    const { config } = parse('http: { relativeurls: true }', {
      REGISTRY_HTTP_ADDR: ':1',
      REGISTRY_HTTP: '{ addr: ":2", prefix: /b/ }',
    });
    expect(config.http).toMatchObject({ listen: { address: ':1' }, prefix: '/b', relativeUrls: false });
  });

  it('name the driver, and then its keys', () => {
    const { config } = parse('storage: { filesystem: { rootdirectory: /a } }', {
      REGISTRY_STORAGE: 's3',
      REGISTRY_STORAGE_S3_BUCKET: 'b',
      REGISTRY_STORAGE_S3_REGION: 'r',
    });
    expect(config.storage.backend).toMatchObject({ driver: 's3', bucket: 'b', region: 'r' });
  });

  it('name the way to log in, and then its keys', () => {
    const { config } = parse('', {
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
      REGISTRY_AUTH_HTPASSWD_PATH: '/auth/htpasswd',
    });
    expect(config.auth).toEqual({ mode: 'htpasswd', realm: 'Registry Realm', path: '/auth/htpasswd' });
    expect(parse('auth: { htpasswd: {} }', { REGISTRY_AUTH: 'none' }).config.auth.mode).toBe('none');
  });

  it('choose another driver than the default one without a file', () => {
    const { config } = parse('', { REGISTRY_STORAGE_S3_BUCKET: 'b', REGISTRY_STORAGE_S3_REGION: 'r' });
    expect(config.storage.backend.driver).toBe('s3');
  });

  it('spell fields as Go does', () => {
    const { config } = parse('', {
      REGISTRY_HEALTH_FILECHECKERS_0_FILE: '/a',
      REGISTRY_HEALTH_HTTPCHECKERS_0_URI: 'http://a/',
      REGISTRY_HEALTH_TCPCHECKERS: '[{ addr: "a:1" }]',
      REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES: 'true',
    });
    expect(config.health).toMatchObject({
      files: [{ file: '/a' }],
      http: [{ uri: 'http://a/' }],
      tcp: [{ host: 'a', port: 1 }],
    });
    expect(config.notifications.includeReferences).toBe(true);
    expect(warningsOf('', { REGISTRY_HEALTH_FILE_0_FILE: '/a' })).toHaveLength(1);
  });

  it('change and append items of lists', () => {
    const { config } = parse('health: { file: [{ file: /a, interval: 1s }] }', {
      REGISTRY_HEALTH_FILECHECKERS_0_FILE: '/b',
      REGISTRY_HEALTH_FILECHECKERS_1_FILE: '/c',
    });
    expect(config.health.files).toMatchObject([
      { file: '/b', interval: 1000 },
      { file: '/c', interval: 10_000 },
    ]);
    expect(
      parse('', { REGISTRY_MIRROR_UPSTREAMS_0: 'docker.io', REGISTRY_MIRROR_UPSTREAMS_0_TAGTTL: '1s' }).config
        .mirror?.upstreams,
    ).toMatchObject([{ name: 'docker.io', tagTtl: 1000 }]);
  });

  it('cannot leave holes in lists', () => {
    expect(problemsOf('', { REGISTRY_HEALTH_FILECHECKERS_1_FILE: '/c' })).toEqual([
      expect.stringMatching(/^REGISTRY_HEALTH_FILECHECKERS_1_FILE: index 1 lies past the end/),
    ]);
  });

  it('find keys of mappings in any case and make them in lower case', () => {
    const { config } = parse('http: { headers: { X-Frame: [a] } }', {
      'REGISTRY_HTTP_HEADERS_X-FRAME': '[b]',
      'REGISTRY_HTTP_HEADERS_X-NEW': '[c]',
      REGISTRY_LOG_FIELDS_SERVICE: 'registry',
    });
    expect(config.http.headers).toEqual({ 'X-Frame': ['b'], 'x-new': ['c'] });
    expect(config.log.fields).toEqual({ service: 'registry' });
  });

  it.each([
    'REGISTRY_PORT',
    'REGISTRY_PORT_5000_TCP_ADDR',
    'REGISTRY_SERVICE_HOST',
    'REGISTRY_HTTP_PORT',
    'REGISTRY_AUTH_PORT_5001_TCP',
    'REGISTRY_MIRROR_SERVICE_HOST',
    'REGISTRY_STORAGE_S3_BUKET',
    'REGISTRY_HTTP_ADDR_PORT',
    'REGISTRY_HEALTH_FILECHECKERS_X',
    'REGISTRY_http_addr',
    'REGISTRY_',
  ])('that name no key are one warning and change nothing: %s', (name) => {
    const { config, warnings } = parse('', { [name]: 'tcp://10.0.0.1:5000' });
    expect(warnings).toEqual([{ path: name, message: expect.stringContaining('names no key') }]);
    expect(config).toEqual(parse('').config);
  });

  it('that are not YAML are a problem, and their text is not told', () => {
    const problems = problemsOf('', { REGISTRY_HTTP_SECRET: '[hunter2' });
    expect(problems).toEqual([expect.stringMatching(/^REGISTRY_HTTP_SECRET: is not YAML/)]);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('are one warning each in 2.8, too', () => {
    expect(warningsOf('', { REGISTRY_COMPATIBILITY_SCHEMA1_ENABLED: 'true' })).toEqual([
      expect.stringMatching(/^compatibility: has no meaning any more/),
    ]);
  });

  it('leave REGISTRY_CONFIGURATION_PATH alone', () => {
    expect(warningsOf('', { REGISTRY_CONFIGURATION_PATH: '/a.yml', HOME: '/root' })).toEqual([]);
  });
});

describe('proxies for what goes out', () => {
  it('come from the environment in any case, capitals first', () => {
    const { outgoing } = parse('', {
      https_proxy: 'http://small:1',
      HTTPS_PROXY: 'http://user:pass@large:1',
      http_proxy: 'proxy:3128',
      no_proxy: 'localhost, .example.com,',
    }).config;
    expect(outgoing.httpsProxy?.reveal()).toBe('http://user:pass@large:1/');
    expect(outgoing.httpProxy?.reveal()).toBe('http://proxy:3128/');
    expect(outgoing.noProxy).toEqual(['localhost', '.example.com']);
  });

  it('must be URLs, which are not told', () => {
    const problems = problemsOf('', { HTTPS_PROXY: 'socks5://user:hunter2@x:1' });
    expect(problems).toEqual([expect.stringMatching(/^HTTPS_PROXY: must be/)]);
    expect(problems.join()).not.toContain('hunter2');
  });
});
