import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { parse, problemsOf, warningsOf } from '../../support/parse.ts';

describe('storage', () => {
  it('is ./data by default, and /var/lib/registry in the image', () => {
    expect(parse('').config.storage.backend).toEqual({
      driver: 'filesystem',
      rootDirectory: './data',
      maxThreads: 100,
    });
    expect(parseConfig(null, { environment: {}, image: true }).config.storage.backend).toMatchObject({
      rootDirectory: '/var/lib/registry',
    });
  });

  it('has the defaults of distribution', () => {
    expect(parse('').config.storage).toMatchObject({
      deleteEnabled: false,
      redirect: true,
      readOnly: false,
      uploadPurging: { enabled: true, age: 604_800_000, interval: 86_400_000, dryRun: false },
    });
  });

  it.each(['storage: inmemory', 'storage: { inmemory: }', 'storage: { inmemory: {} }'])(
    'takes %j',
    (yaml) => {
      expect(parse(yaml).config.storage.backend).toEqual({ driver: 'inmemory' });
    },
  );

  it('has one driver', () => {
    expect(problemsOf('storage: { filesystem: {}, inmemory: {} }')).toEqual([
      'storage: must name exactly one driver, found filesystem and inmemory',
    ]);
  });

  it.each(['gcs', 'azure', 'swift', 'oss'])('refuses %s, which is not built, and nothing else', (driver) => {
    expect(problemsOf(`storage: { ${driver}: { bucket: x } }`)).toEqual([
      expect.stringMatching(new RegExp(`^storage.${driver}: .*not supported`)),
    ]);
    expect(problemsOf(`storage: ${driver}`)).toHaveLength(1);
  });

  it('has at least 25 threads, as in distribution', () => {
    const { backend } = parse('storage: { filesystem: { rootdirectory: /a, maxthreads: 1 } }').config.storage;
    expect(backend).toEqual({ driver: 'filesystem', rootDirectory: '/a', maxThreads: 25 });
  });
});

describe('storage.s3', () => {
  it('has the defaults of distribution', () => {
    expect(parse('storage: { s3: { bucket: b, region: r } }').config.storage.backend).toEqual({
      driver: 's3',
      bucket: 'b',
      region: 'r',
      regionEndpoint: undefined,
      credentials: undefined,
      forcePathStyle: false,
      encrypt: false,
      keyId: undefined,
      secure: true,
      skipVerify: false,
      chunkSize: 10 * 1024 ** 2,
      multipartCopyChunkSize: 32 * 1024 ** 2,
      multipartCopyMaxConcurrency: 100,
      multipartCopyThresholdSize: 32 * 1024 ** 2,
      rootDirectory: '',
      storageClass: 'STANDARD',
      userAgent: undefined,
      objectAcl: 'private',
      useDualStack: false,
      accelerate: false,
      useFipsEndpoint: false,
      redirectEndpoint: undefined,
      logLevel: 'off',
    });
  });

  it('reads a configuration of distribution', () => {
    const { backend } = parse(`
storage:
  s3aws:
    bucket: images-local
    regionendpoint: http://127.0.0.1:9000
    rootdirectory: /registry-v2/
    accesskey: 0123
    secretkey: "true"
    chunksize: 33554432
    storageclass: none
    loglevel: Debug
`).config.storage;
    expect(backend).toMatchObject({
      driver: 's3',
      rootDirectory: 'registry-v2',
      chunkSize: 33_554_432,
      storageClass: undefined,
      logLevel: 'debug',
    });
    if (backend.driver !== 's3') throw new Error('expected S3');
    expect(backend.credentials?.accessKey.reveal()).toBe('0123');
    expect(backend.credentials?.secretKey.reveal()).toBe('true');
  });

  it('needs a bucket, and a region or an endpoint, and whole credentials', () => {
    expect(problemsOf('storage: { s3: { accesskey: a } }')).toEqual([
      'storage.s3.bucket: must be given',
      'storage.s3.region: must be given, unless there is a regionendpoint',
      'storage.s3.secretkey: must be given where there is an accesskey',
    ]);
  });

  it.each(['s3.example.com', 'ftp://a', 'https://'])('signs no URL of %s', (endpoint) => {
    expect(problemsOf(`storage: { s3: { bucket: b, region: r, redirectendpoint: "${endpoint}" } }`)).toEqual([
      'storage.s3.redirectendpoint: must be a URL with http:// or https://',
    ]);
  });

  it('has parts that S3 takes', () => {
    expect(problemsOf('storage: { s3: { bucket: b, region: r, chunksize: 4MiB } }')).toEqual([
      'storage.s3.chunksize: must be between 5MiB and 5GiB',
    ]);
  });

  it('warns that old signatures are gone', () => {
    expect(warningsOf('storage: { s3: { bucket: b, region: r, v4auth: false } }')).toEqual([
      expect.stringMatching(/^storage.s3.v4auth: /),
    ]);
  });
});
