import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { httpClient } from '../support/http-client.ts';
import { peakMemory } from '../support/peak-memory.ts';
import { RepositoryClient, withDigest } from '../support/registry-client.ts';
import { startRegistry } from '../support/registry-server.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

const MIB = 1024 * 1024;

/** MiB of each upload: two parts and some more. `UPLOAD_MIB=256` takes some minutes. */
const size = Number(process.env.UPLOAD_MIB ?? 23);

async function* content(seed: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.alloc(64 * 1024, seed);
  for (let sent = 0; sent < size * MIB; sent += bytes.length) yield bytes;
}

function digestOf(seed: number): string {
  const hash = createHash('sha256');
  const bytes = Buffer.alloc(MIB, seed);
  for (let number = 0; number < size; number += 1) hash.update(bytes);
  return `sha256:${hash.digest('hex')}`;
}

describeWith(['versitygw'], 'the memory of a server on a bucket', () => {
  test('is bounded whatever the number of uploads, of which none fails', async () => {
    await using scratch = makeScratch();
    await using s3 = await startVersitygw(scratch.path);
    const config = { storage: { ...s3Storage(s3), redirect: { disable: true } } };
    await using server = await startRegistry({ directory: scratch.path, config });
    using http = httpClient({ silence: 240_000 });
    const push = async (seed: number): Promise<void> => {
      const repository = new RepositoryClient(http, { origin: server.url, name: `memory/u${seed}` });
      const session = await repository.startUpload();
      const digest = digestOf(seed);
      if (seed % 2 === 0) {
        await repository.finish(await repository.patch(session, content(seed)), digest);
      } else {
        const headers = { 'content-length': size * MIB };
        await repository.expect(201, withDigest(session, digest), {
          method: 'PUT',
          headers,
          body: content(seed),
        });
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, seed) => push(seed)));
    expect(await peakMemory(server.pid)).toBeLessThan(400);
  });
});
