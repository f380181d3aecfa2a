import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { httpClient } from '../support/http-client.ts';
import { RepositoryClient, withDigest } from '../support/registry-client.ts';
import { startRegistry } from '../support/registry-server.ts';
import { S3_SERVERS } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

const MIB = 1024 * 1024;

/** LARGE_BLOB_MIB=6144 is more than S3 takes or copies as one: two minutes, and twice the room on the disk. */
const size = Number(process.env.LARGE_BLOB_MIB ?? 200) * MIB;

/** Zeros, and a number in every MiB, so that no two are alike. */
async function* content(seed: number): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < size / MIB; number += 1) {
    const bytes = Buffer.alloc(MIB);
    bytes.writeUInt32BE(number, 0);
    bytes.writeUInt32BE(seed, 4);
    yield bytes;
  }
}

async function digestOfAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name], `a blob of ${size / MIB} MiB on ${name}`, () => {
    test.each([
      ['by PATCH', false],
      ['by a body whose digest is known', true],
    ] as const)('goes up %s, and down', async (way, isKnown) => {
      await using scratch = makeScratch();
      await using s3 = await startS3(scratch.path);
      const storage = s3Storage(s3);
      const config = { storage: { ...storage, redirect: { disable: true } } };
      await using server = await startRegistry({ directory: scratch.path, config });
      using http = httpClient({ silence: 120_000 });
      const repository = new RepositoryClient(http, { origin: server.url, name: 'large/blob' });
      const digest = await digestOfAll(content(way.length));
      if (isKnown) {
        await repository.expect(201, withDigest('blobs/uploads/', digest), {
          method: 'POST',
          headers: { 'content-length': size },
          body: content(way.length),
        });
      } else {
        const session = await repository.patch(await repository.startUpload(), content(way.length));
        await repository.finish(session, digest);
      }
      const answer = await fetch(`${server.url}/v2/large/blob/blobs/${digest}`);
      expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(size)]);
      if (answer.body === null) throw new Error('no body');
      expect(await digestOfAll(answer.body)).toBe(digest);
    });
  });
}
