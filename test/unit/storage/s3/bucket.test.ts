import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBucket } from '../../../../src/storage/s3/check-bucket.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import type { S3Options } from '../../../../src/storage/s3/s3-options.ts';
import { pattern } from '../../../contract/storage-harness.ts';
import { FAST, s3Options } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

let s3: InProcessS3;

beforeEach(async () => {
  s3 = await InProcessS3.start();
});
afterEach(() => s3[Symbol.asyncDispose]());

describe('the check at the start', () => {
  const check = (more: Partial<S3Options> = {}, readOnly = false) =>
    checkBucket({ ...s3Options(s3, { timing: { ...FAST, retryFor: 100 }, ...more }), readOnly });

  it('passes, again and again', async () => {
    await check();
    await check({ rootDirectory: '/some/root/' });
    await check();
    expect([...s3.store.objects.keys()]).toHaveLength(2);
  });

  it.each<[string, Partial<S3Options>]>([
    ['storage.s3.bucket: there is no bucket other', { bucket: 'other' }],
    ['storage.s3.accesskey', { credentials: { accessKeyId: 'wrong', secretAccessKey: 'x' } }],
    [
      'storage.s3.regionendpoint: 127.0.0.1:1 cannot be reached (ECONNREFUSED',
      { regionEndpoint: '127.0.0.1:1', secure: false },
    ],
    ['storage.s3.regionendpoint: http://nowhere.invalid', { regionEndpoint: 'http://nowhere.invalid' }],
  ])('names the key and the cause in one line: %s', async (message, options) => {
    const error = await check(options).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('\n');
  });

  it.each([
    [403, 'InvalidAccessKeyId', 'accesskey'],
    [404, 'XAdminUserNotFound', 'accesskey'],
    [403, 'SignatureDoesNotMatch', 'secretkey'],
    [400, 'AuthorizationHeaderMalformed', 'region'],
    [301, 'PermanentRedirect', 'region'],
    [400, 'InvalidBucketName', 'bucket'],
    [403, 'RequestTimeTooSkewed', 'regionendpoint'],
  ])('names the key for %d %s', async (status, code, key) => {
    s3.fail({ operation: 'any', times: 9, fault: { kind: 'answer', status, code } });
    await expect(check()).rejects.toThrow(`storage.s3.${key}: `);
  });

  it('refuses a server that does not know conditional writes, unless nothing is written', async () => {
    s3.conditional = false;
    await expect(check()).rejects.toThrow('conditional writes');
    await check({}, true);
  });

  it('tells what may not be written from what may not be read', async () => {
    const fault = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
    s3.fail({ operation: 'PutObject', times: 9, fault });
    await check({}, true);
    await expect(check()).rejects.toThrow('storage.s3.accesskey: not allowed');
  });
});

describe('objects', () => {
  it('lie below the root, with the attributes that are configured', async () => {
    const driver = createS3Driver(
      s3Options(s3, {
        rootDirectory: '/team/registry/',
        encrypt: true,
        keyId: 'k',
        storageClass: 'STANDARD_IA',
      }),
    );
    await driver.write('a/link', Buffer.from('x'));
    await driver.close();
    expect([...s3.store.objects.keys()]).toEqual(['team/registry/a/link']);
    expect(s3.script.seen.at(-1)?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'k',
      'x-amz-storage-class': 'STANDARD_IA',
    });
  });

  it('are sent without what servers other than AWS do not know', async () => {
    const driver = createS3Driver(s3Options(s3, { objectAcl: 'private', storageClass: 'STANDARD' }));
    await driver.write('a/link', Buffer.from('x'));
    await driver.write('a/large', pattern(200_000));
    await driver.close();
    for (const { headers } of s3.script.seen) {
      for (const name of Object.keys(headers)) expect(name).not.toMatch(/checksum|trailer|expect|-acl|class/);
    }
  });

  it('can be read by a signed URL, with a range', async () => {
    const driver = createS3Driver(s3Options(s3));
    await driver.write('a/b c+d/link', Buffer.from('0123456789'));
    const url = await driver.capabilities?.signedUrls?.signedReadUrl('a/b c+d/link', {
      expiresInSeconds: 60,
    });
    const whole = await fetch(url ?? '');
    expect(await whole.text()).toBe('0123456789');
    const part = await fetch(url ?? '', { headers: { range: 'bytes=2-3' } });
    expect(await part.text()).toBe('23');
    await driver.close();
  });

  it('are signed for the endpoint that readers use', async () => {
    const driver = createS3Driver(s3Options(s3, { redirectEndpoint: 'https://s3.example.com' }));
    const url = await driver.capabilities?.signedUrls?.signedReadUrl('a', { expiresInSeconds: 60 });
    expect(url).toMatch(/^https:\/\/s3\.example\.com\/registry\/a\?.*X-Amz-Expires=60/);
    await driver.close();
  });
});

describe('multipart uploads whose session is gone', () => {
  it('are aborted when nothing was added for long', async () => {
    const driver = createS3Driver(s3Options(s3));
    const writer = await driver.uploads.create('docker/registry/v2/u/1', {
      target: 'docker/registry/v2/blobs/x/data',
      unshared: true,
    });
    for (let turn = 0; turn < 2; turn += 1) await writer.append(pattern(6 * 1024 * 1024));
    await expect.poll(() => s3.store.uploads.size).toBe(1);
    await driver.deleteFolder('docker');
    const abandon = (before: Date, dryRun: boolean) =>
      driver.capabilities?.unfinishedWrites?.abandon({ before, dryRun, signal: AbortSignal.timeout(10_000) });
    const later = new Date(Date.now() + 60_000);
    expect(await abandon(new Date(0), false)).toEqual([]);
    expect(await abandon(later, true)).toEqual(['docker/registry/v2/blobs/x/data']);
    expect(s3.store.uploads.size).toBe(1);
    await abandon(later, false);
    expect(s3.store.uploads.size).toBe(0);
    await writer.close();
    await driver.close();
  });
});

describe('the memory for parts', () => {
  const MIB = 1024 * 1024;
  const startDriver = (bufferMemory: number) => {
    s3.store.smallestPart = MIB;
    return createS3Driver(s3Options(s3, { bufferMemory, chunkSize: MIB }));
  };

  it('is shared by many uploads, of which none fails', async () => {
    const driver = startDriver(4 * MIB);
    const content = pattern(2.3 * MIB);
    const keys = Array.from({ length: 12 }, (_, index) => `blobs/${index}`);
    await Promise.all(
      keys.map(async (key, index) => {
        const options = index % 2 === 0 ? { target: key } : {};
        const writer = await driver.uploads.create(`uploads/${index}`, options);
        for (let at = 0; at < content.length; at += 300_000) {
          await writer.append(content.subarray(at, at + 300_000));
        }
        await writer.commit(key);
      }),
    );
    for (const key of keys) expect(s3.store.objects.get(key)?.content.equals(content)).toBe(true);
    await driver.close();
  });

  it('is taken from writers that are silent, who lose nothing', async () => {
    const driver = startDriver(2 * MIB);
    const content = pattern(0.6 * MIB);
    const begin = async (index: number) => {
      const options = index % 2 === 0 ? { target: `blobs/${index}` } : {};
      const writer = await driver.uploads.create(`uploads/${index}`, options);
      await writer.append(content);
      return writer;
    };
    const writers = [];
    for (let index = 0; index < 5; index += 1) writers.push(await begin(index));
    for (const writer of writers) await writer.append(content);
    for (const [index, writer] of writers.entries()) {
      await writer.commit(`blobs/${index}`);
      const stored = s3.store.objects.get(`blobs/${index}`)?.content;
      expect(stored?.equals(Buffer.concat([content, content]))).toBe(true);
    }
    expect([...s3.store.objects.keys()].filter((key) => key.startsWith('uploads/'))).toEqual([]);
    await driver.close();
  });
});
