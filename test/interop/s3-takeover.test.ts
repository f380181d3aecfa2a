import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { randomLayers } from '../support/random-content.ts';
import { pushImage } from '../support/raw-images.ts';
import { S3_SERVERS } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { type BucketOptions, sharedBucket } from '../support/shared-bucket.ts';
import { pushEverything, pushReferrer, verifyAll } from '../support/takeover.ts';

const layouts: readonly [string, BucketOptions][] = [
  ['at the top of the bucket', {}],
  ['below a rootdirectory', { s3: { rootdirectory: '/team/registry' } }],
  ['with redirects', { storage: { redirect: { disable: false } } }],
];

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name, 'distribution'], `a bucket of distribution 3 on ${name}`, () => {
    test.each(layouts)('is taken over and handed back: %s', async (_layout, options) => {
      await using scratch = makeScratch();
      await using s3 = await startS3(scratch.path);
      await using shared = sharedBucket(scratch.path, s3, options);

      const theirs = await shared.serve('distribution');
      const images = await pushEverything(shared, { server: theirs, team: 'theirs' });
      await theirs.stop();

      const ours = await shared.serve();
      await verifyAll(shared, { server: ours, images });
      const more = await pushEverything(shared, { server: ours, team: 'ours' });
      const app = shared.repository(ours, 'theirs/app');
      const moved = await pushImage(app, { tag: 'v0', layers: randomLayers(700) });
      await app.expect(202, 'manifests/v1', { method: 'DELETE' });
      const [subject] = more;
      if (subject) more.push(await pushReferrer(shared, { server: ours, subject }));
      const catalog = await shared.http.send(`${ours.url}/v2/_catalog`);
      expect(JSON.parse(catalog.body.toString()).repositories.sort()).toEqual([
        'ours/app',
        'ours/nested/deep/er',
        'theirs/app',
        'theirs/nested/deep/er',
      ]);
      await ours.stop();

      const back = await shared.serve('distribution');
      const kept = [...images, ...more, moved].filter((image) => image.tag !== 'v1' || more.includes(image));
      await verifyAll(shared, {
        server: back,
        images: kept.filter(
          (image) => image === moved || image.repository !== 'theirs/app' || image.tag !== 'v0',
        ),
      });
      const tags = await shared.repository(back, 'theirs/app').expect(200, 'tags/list');
      expect(JSON.parse(tags.body.toString()).tags.sort()).toEqual(['multi', 'v0', 'v2']);
    });
  });
}
