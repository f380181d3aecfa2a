import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBucket } from '../../../../src/storage/s3/check-bucket.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import type { S3Options } from '../../../../src/storage/s3/s3-options.ts';
import { pattern, readAll } from '../../../contract/storage-harness.ts';
import { FAST, s3Options } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

let s3: InProcessS3;

beforeEach(async () => {
  s3 = await InProcessS3.start();
});
afterEach(() => s3[Symbol.asyncDispose]());

describe('the endpoint', () => {
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };

  /** Where a reader would be sent, without the query. */
  const addressOf = async (options: Partial<S3Options>) => {
    const driver = createS3Driver({ bucket: 'images', credentials, ...options });
    const url = await driver.capabilities?.signedUrls?.signedReadUrl('a/link', { expiresInSeconds: 60 });
    await driver.close();
    return url?.split('?')[0];
  };

  it.each<[string, Partial<S3Options>]>([
    ['https://images.s3.eu-central-1.amazonaws.com/a/link', {}],
    ['https://s3.eu-central-1.amazonaws.com/images/a/link', { forcePathStyle: true }],
    ['https://images.s3.dualstack.eu-central-1.amazonaws.com/a/link', { useDualStack: true }],
    [
      'https://images.s3-fips.us-gov-west-1.amazonaws.com/a/link',
      { region: 'us-gov-west-1', useFipsEndpoint: true },
    ],
    [
      'https://images.s3-fips.dualstack.us-gov-west-1.amazonaws.com/a/link',
      { region: 'us-gov-west-1', useFipsEndpoint: true, useDualStack: true },
    ],
    ['https://images.s3-accelerate.amazonaws.com/a/link', { accelerate: true }],
    ['https://images.s3-accelerate.dualstack.amazonaws.com/a/link', { accelerate: true, useDualStack: true }],
    ['https://images.s3.cn-north-1.amazonaws.com.cn/a/link', { region: 'cn-north-1' }],
    ['https://images.s3.example.com/a/link', { regionEndpoint: 'https://s3.example.com' }],
    [
      'http://s3.example.com:9000/images/a/link',
      { regionEndpoint: 'http://s3.example.com:9000', forcePathStyle: true },
    ],
    ['https://images.s3.example.com/a/link', { regionEndpoint: 's3.example.com' }],
    ['http://images.s3.example.com/a/link', { regionEndpoint: 's3.example.com', secure: false }],
    ['http://images.s3.eu-central-1.amazonaws.com/a/link', { secure: false }],
    ['https://s3.eu-central-1.amazonaws.com/dotted.name/a/link', { bucket: 'dotted.name' }],
  ])('is %s', async (address, options) => {
    expect(await addressOf({ region: 'eu-central-1', ...options })).toBe(address);
  });

  it('has the bucket in the host name where no path style is asked for', async () => {
    // The name need not resolve: the proxy is asked.
    const driver = createS3Driver(
      s3Options(s3, {
        regionEndpoint: 'http://s3.example.com',
        forcePathStyle: false,
        proxyEnvironment: { HTTP_PROXY: s3.endpoint },
      }),
    );
    await driver.write('a/link', Buffer.from('x')).catch(() => {});
    await driver.close();
    expect(s3.script.seen.at(-1)?.headers.host).toBe('registry.s3.example.com');
  });
});

describe('what new objects are to be', () => {
  it.each<[string, Partial<S3Options>, object]>([
    ['encrypted by S3', { encrypt: true }, { 'x-amz-server-side-encryption': 'AES256' }],
    [
      'encrypted by a key of KMS',
      { encrypt: true, keyId: 'k' },
      { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'k' },
    ],
    ['of a storage class', { storageClass: 'STANDARD_IA' }, { 'x-amz-storage-class': 'STANDARD_IA' }],
    [
      'of an access list',
      { objectAcl: 'bucket-owner-full-control' },
      { 'x-amz-acl': 'bucket-owner-full-control' },
    ],
    ['sent by', { userAgent: 'us/1' }, { 'user-agent': expect.stringContaining('us/1') }],
  ])('%s: is said where an object begins, and not of its parts', async (_, options, headers) => {
    s3.store.smallestPart = 1024;
    const driver = createS3Driver(s3Options(s3, { chunkSize: 256 * 1024, ...options }));
    for (const target of [undefined, 'blobs/b']) {
      const writer = await driver.uploads.create('uploads/1', target === undefined ? {} : { target });
      await writer.append(pattern(300_000));
      await writer.commit('blobs/b');
    }
    expect(await readAll(driver, 'blobs/b')).toHaveLength(300_000);
    await driver.close();
    const seen = new Set(s3.script.seen.map(({ operation }) => operation));
    expect(seen).toContain('UploadPartCopy');
    for (const request of s3.script.seen) {
      if (['PutObject', 'CreateMultipartUpload'].includes(request.operation)) {
        expect(request.headers).toMatchObject(headers);
      } else if (!('user-agent' in headers)) {
        expect(request.headers).not.toMatchObject(headers);
      }
    }
  });
});

const certificate = (name: string) =>
  readFileSync(new URL(`../../../support/tls/${name}`, import.meta.url), 'utf8');

describe('TLS', () => {
  let secure: Server;
  let endpoint: string;

  beforeEach(async () => {
    const upstream = new URL(s3.endpoint);
    secure = createServer(
      { key: certificate('server.key'), cert: certificate('server.pem') },
      (incoming, outgoing) => {
        const { method, url, headers } = incoming;
        const further = request({ host: upstream.hostname, port: upstream.port, method, path: url, headers });
        further.on('response', (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        });
        incoming.pipe(further);
      },
    );
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    endpoint = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    secure.closeAllConnections();
    secure.close();
  });

  const use = async (options: Partial<S3Options>) => {
    const timing = { ...FAST, retryFor: 100 };
    const all = s3Options(s3, { regionEndpoint: endpoint, timing, ...options });
    await checkBucket({ ...all, readOnly: false });
    const driver = createS3Driver(all);
    await driver.write('a/link', pattern(200_000));
    expect(await readAll(driver, 'a/link')).toHaveLength(200_000);
    await driver.close();
  };

  it('trusts the authority that is configured', () => use({ ca: certificate('ca.pem') }));

  it('trusts anybody where that is configured', () => use({ skipVerify: true }));

  it('trusts nobody else, and says so', async () => {
    const untrusted = 'storage.s3.regionendpoint: the certificate of https://127.0.0.1';
    await expect(use({})).rejects.toThrow(untrusted);
    await expect(use({ ca: certificate('stranger.pem') })).rejects.toThrow(untrusted);
  });

  it('is missed where the server speaks plain HTTP', async () => {
    const plain = s3.endpoint.replace('http:', 'https:');
    await expect(use({ regionEndpoint: plain })).rejects.toThrow('storage.s3.secure');
  });
});
