import { describe, expect, it } from 'vitest';
import { parse } from '../../support/parse.ts';

/** Configurations as they come with distribution's source and images. */
const FILES = {
  'registry:2': `
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`,
  'registry:3': `
version: 0.1
log:
  level: debug
  fields:
    service: registry
    environment: development
storage:
    delete:
      enabled: true
    cache:
        blobdescriptor: inmemory
    filesystem:
        rootdirectory: /var/lib/registry
    maintenance:
        uploadpurging:
            enabled: false
    tag:
      concurrencylimit: 8
http:
    addr: :5000
    debug:
        addr: :5001
        prometheus:
            enabled: true
            path: /metrics
    headers:
        X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`,
  'local S3': `
version: 0.1
http:
  addr: :5000
  draintimeout: 5s
  secret: hmacsecret
log:
  accesslog:
    disabled: false
  formatter: text
  level: debug
storage:
  delete:
    enabled: true
  s3:
    region: us-east-1
    accesskey: distribution
    secretkey: password
    bucket: images-local
    rootdirectory: /registry-v2
    regionendpoint: http://127.0.0.1:9000
    encrypt: false
    secure: false
    chunksize: 33554432
    v4auth: true
    usefipsendpoint: false
`,
};

const CACHE = `
version: 0.1
storage:
    cache:
        blobdescriptor: redis
    filesystem:
        rootdirectory: /var/lib/registry-cache
redis:
  addrs: [localhost:6379]
  maxidleconns: 16
  connmaxidletime: 300s
  dialtimeout: 10ms
notifications:
    events:
        includereferences: true
    endpoints:
        - name: local-8082
          url: http://localhost:5003/callback
          headers:
             Authorization: [Bearer <an example token>]
          timeout: 1s
          threshold: 10
          backoff: 1s
          disabled: true
proxy:
  remoteurl: https://registry-1.docker.io
  username: username
  password: password
`;

describe('a configuration of distribution', () => {
  it.each(Object.entries(FILES))('is taken as it is: %s', (_name, yaml) => {
    const warnings = parse(yaml).warnings.map(({ path }) => path);
    expect(warnings.filter((path) => path !== 'storage.tag.concurrencylimit')).toEqual([]);
  });

  it('is taken with a warning where it tunes what is not tuned here', () => {
    const yaml =
      'storage: { filesystem: { rootdirectory: /a, maxthreads: 50 }, tag: { concurrencylimit: 8 } }';
    expect(parse(yaml).warnings.map(({ path }) => path)).toEqual([
      'storage.filesystem.maxthreads',
      'storage.tag.concurrencylimit',
    ]);
  });

  it('is taken with warnings where it wants Redis', () => {
    const { config, warnings } = parse(CACHE);
    expect(warnings.map(({ path }) => path)).toEqual(['redis', 'storage.cache.blobdescriptor']);
    expect(config.proxy).toMatchObject({ credentials: { kind: 'password', username: 'username' } });
    expect(config.notifications.endpoints).toEqual([]);
  });
});
