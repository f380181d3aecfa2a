import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { httpClient } from '../support/http-client.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf } from '../support/raw-connection.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf, RepositoryClient, withDigest } from '../support/registry-client.ts';
import { startRegistry } from '../support/registry-server.ts';
import { run } from '../support/run.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';
import { toolPath } from '../support/tools.ts';

/** The policy of the documentation as a bucket has it: with who it is for. */
function documentedPolicy({
  bucket,
  account,
}: {
  readonly bucket: string;
  readonly account: string;
}): string {
  const text = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8');
  const [, json = ''] = /```json\n(.*?)```/s.exec(text) ?? [];
  const policy: { Statement: object[] } = JSON.parse(json.replaceAll(':::images', `:::${bucket}`));
  const Statement = policy.Statement.map((each) => ({ ...each, Principal: { AWS: [account] } }));
  return JSON.stringify({ ...policy, Statement });
}

describeWith(['versitygw'], 'an account with the rights of the documentation', () => {
  test('is enough for everything, and an outage when it is gone', async () => {
    await using scratch = makeScratch();
    await mkdir(scratch.at('accounts'));
    await using s3 = await startVersitygw(scratch.path, { flags: ['--iam-dir', scratch.at('accounts')] });
    const account = { accessKey: 'registry', secretKey: 'registry-secret' };
    const root = ['admin', '--access', s3.accessKey, '--secret', s3.secretKey, '--endpoint-url', s3.endpoint];
    const user = ['--access', account.accessKey, '--secret', account.secretKey, '--role', 'user'];
    await run(toolPath('versitygw'), [...root, 'create-user', ...user]);
    const bucket = 'policed';
    const owner = new S3Client({
      endpoint: s3.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
    });
    await owner.send(new CreateBucketCommand({ Bucket: bucket }));
    const Policy = documentedPolicy({ bucket, account: account.accessKey });
    await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));

    const storage = s3Storage({ ...s3, ...account, bucket }, { chunksize: 5 * 1024 * 1024 });
    const config = { storage: { ...storage, redirect: { disable: true } } };
    await using server = await startRegistry({ directory: scratch.path, config });
    using http = httpClient();
    const repository = new RepositoryClient(http, { origin: server.url, name: 'team/app' });
    const [large = Buffer.alloc(0)] = randomLayers(7_000_000);
    const image = await pushImage(repository, { tag: 'v1', layers: [large] });
    await pushImage(repository, { tag: 'v2', layers: [], subject: image.descriptor });
    await verifyImage(repository, image);
    await repository.expect(200, `referrers/${image.digest}`);
    const [patched = Buffer.alloc(0)] = randomLayers(7_000_000);
    const session = pathOf(await repository.startUpload());
    await repository.patch(session, patched);
    await repository.finish(session, digestOf(patched));
    await repository.getBlob(digestOf(patched));
    const dropped = pathOf(await repository.startUpload());
    await repository.patch(dropped, patched);
    await repository.expect(204, dropped, { method: 'DELETE' });
    // Not what it says it is: what was written of it is aborted.
    const wrong = withDigest('blobs/uploads/', digestOf(Buffer.from('other')));
    await repository.expect(400, wrong, { method: 'POST', body: patched });
    await repository.expect(202, 'manifests/v2', { method: 'DELETE' });
    await repository.expect(200, 'tags/list');
    await repository.expect(200, '/v2/_catalog');
    await repository.expect(404, 'manifests/unknown');

    await owner.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
    for (const path of ['manifests/v1', 'manifests/unknown', 'tags/list', '/v2/_catalog']) {
      const { headers } = await repository.expect(503, path);
      expect(headers['retry-after']).toMatch(/^\d+$/);
    }
    await repository.expect(503, 'blobs/uploads/', { method: 'POST' });
    await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    await verifyImage(repository, image);
    owner.destroy();
  });
});
