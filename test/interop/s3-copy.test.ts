import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { client, homeIn } from '../support/client.ts';
import { describeWith } from '../support/describe-with.ts';
import { httpClient } from '../support/http-client.ts';
import { randomLayers } from '../support/random-content.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { RepositoryClient } from '../support/registry-client.ts';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { S3_SERVERS, type S3Server } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

/** The commands of the documentation, with the folder of this test in them. */
function documentedCommands(directory: string, bucket: string): string[][] {
  const text = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8');
  const commands = text.match(/^rclone .*$/gm) ?? [];
  return commands.map((line) =>
    (line.split('#')[0] ?? '')
      .trim()
      .replaceAll('/var/lib/registry', directory)
      .replaceAll('bucket:images', `bucket:${bucket}`)
      .split(/\s+/)
      .slice(1),
  );
}

/** As `rclone config` writes it. */
const remote = ({ endpoint, accessKey, secretKey }: S3Server): Record<string, string> => ({
  RCLONE_CONFIG_BUCKET_TYPE: 's3',
  RCLONE_CONFIG_BUCKET_PROVIDER: 'Other',
  RCLONE_CONFIG_BUCKET_ENDPOINT: endpoint,
  RCLONE_CONFIG_BUCKET_ACCESS_KEY_ID: accessKey,
  RCLONE_CONFIG_BUCKET_SECRET_ACCESS_KEY: secretKey,
});

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name, 'rclone'], `a directory and a bucket on ${name}`, () => {
    test('become each other by a copy, as the documentation has it', async () => {
      await using scratch = makeScratch();
      await using s3 = await startS3(scratch.path);
      using http = httpClient();
      const rclone = client('rclone', { env: { ...homeIn(scratch.path), ...remote(s3) } });
      const directory = scratch.at('storage');
      const [toBucket = [], toDirectory = []] = documentedCommands(directory, s3.bucket);
      const bucketConfig = { storage: s3Storage(s3, { rootdirectory: 'registry' }) };
      const redirect = { disable: true };
      const inDirectory = await startRegistry({ directory: scratch.path });
      const inBucket = () =>
        startRegistry({
          directory: scratch.path,
          config: { storage: { ...bucketConfig.storage, redirect } },
        });
      const app = ({ url }: RegistryServer) =>
        new RepositoryClient(http, { origin: url, name: 'team/nested/app' });

      const kept = await pushImage(app(inDirectory), { tag: 'v1', layers: randomLayers(1000, 6_000_000) });
      await pushImage(app(inDirectory), { tag: 'latest', layers: randomLayers(1000) });
      await pushImage(app(inDirectory), { tag: 'goes', layers: randomLayers(1000) });
      await inDirectory.stop();
      await rclone(...toBucket);

      const bucket = await inBucket();
      await verifyImage(app(bucket), kept);
      const moved = await pushImage(app(bucket), { tag: 'latest', layers: randomLayers(1000) });
      await app(bucket).expect(202, 'manifests/goes', { method: 'DELETE' });
      await bucket.stop();
      await rclone(...toDirectory);

      await inDirectory.start();
      await verifyImage(app(inDirectory), kept);
      await verifyImage(app(inDirectory), moved);
      const { body } = await app(inDirectory).expect(200, 'tags/list');
      expect(JSON.parse(body.toString()).tags).toEqual(['latest', 'v1']);
      await inDirectory.stop();
    });
  });
}
