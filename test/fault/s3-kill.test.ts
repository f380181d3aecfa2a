import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { type HttpClient, httpClient } from '../support/http-client.ts';
import { pathOf } from '../support/raw-connection.ts';
import { digestOf, mediaTypes, RepositoryClient, withDigest } from '../support/registry-client.ts';
import { type RegistryServer, serverUnderTest, startRegistry } from '../support/registry-server.ts';
import { type S3Gate, startS3Gate } from '../support/s3-gate.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

/** A part and some more, and a beginning that is less than a part. */
const size = 6_000_000;
const half = 3_000_000;

/** More writes to the bucket than the longest step takes. */
const mostWrites = 30;

/** One request of a client, over which the server dies. */
interface Step<Prepared> {
  /** Through a server that lives. */
  prepare(living: RepositoryClient): Promise<Prepared>;
  /** Through the one that is killed over it. @returns the status */
  act(victim: RepositoryClient, prepared: Prepared): Promise<number>;
  /** What must hold afterwards through another server, whichever write to the bucket was the last. */
  verify(living: RepositoryClient, prepared: Prepared, acknowledged: boolean): Promise<void>;
}

const step = <Prepared>(it: Step<Prepared>): Step<unknown> => it as Step<unknown>;

interface Upload {
  readonly session: string;
  readonly content: Buffer;
}

const beginUpload = async (living: RepositoryClient, length = size): Promise<Upload> => ({
  session: pathOf(await living.startUpload()),
  content: randomBytes(length),
});

/** What a client does that lost its server: it asks how far the upload came, and goes on there. */
async function goOn(living: RepositoryClient, { session, content }: Upload, atLeast: number): Promise<void> {
  const { size: found } = await living.uploadStatus(session);
  expect(found).toBeGreaterThanOrEqual(atLeast);
  expect(found).toBeLessThanOrEqual(content.length);
  if (found < content.length) await living.patch(session, content.subarray(found), { from: found });
  await living.finish(session, digestOf(content));
  await living.getBlob(digestOf(content));
}

/** Acknowledged it is there; else it is there whole, or not at all and can be pushed again. */
async function isWhole(living: RepositoryClient, content: Buffer, acknowledged: boolean): Promise<void> {
  const digest = digestOf(content);
  const { status, body } = await living.send(`blobs/${digest}`);
  if (!acknowledged && status === 404) await living.pushBlob(content);
  else expect([status, digestOf(body)]).toEqual([200, digest]);
  await living.getBlob(digest);
}

const steps: readonly [string, Step<unknown>][] = [
  [
    'POST that begins a session',
    step({
      prepare: async () => ({ location: '' }),
      async act(victim, prepared) {
        const { status, headers } = await victim.send('blobs/uploads/', { method: 'POST' });
        prepared.location = headers.location ?? '';
        return status;
      },
      async verify(living, { location }, acknowledged) {
        const upload = await beginUpload(living, 1000);
        await goOn(living, acknowledged ? { ...upload, session: pathOf(location) } : upload, 0);
      },
    }),
  ],
  [
    'PATCH',
    step({
      async prepare(living) {
        const upload = await beginUpload(living);
        await living.patch(upload.session, upload.content.subarray(0, half));
        return upload;
      },
      act: async (victim, { session, content }) =>
        (await victim.send(session, { method: 'PATCH', body: content.subarray(half) })).status,
      verify: (living, upload, acknowledged) => goOn(living, upload, acknowledged ? size : half),
    }),
  ],
  [
    'PUT that ends a PATCHed session',
    step({
      async prepare(living) {
        const upload = await beginUpload(living);
        await living.patch(upload.session, upload.content);
        return upload;
      },
      act: async (victim, { session, content }) =>
        (await victim.send(withDigest(session, digestOf(content)), { method: 'PUT' })).status,
      async verify(living, upload, acknowledged) {
        // One whose end had begun is gone, or empty.
        const { status, headers } = await living.send(upload.session);
        const left = headers.range === '0-0' ? 0 : size;
        if (status === 204 && !acknowledged) await goOn(living, upload, left);
        else await isWhole(living, upload.content, acknowledged);
      },
    }),
  ],
  [
    'PUT with the whole body',
    step({
      prepare: (living) => beginUpload(living),
      act: async (victim, { session, content }) =>
        (await victim.send(withDigest(session, digestOf(content)), { method: 'PUT', body: content })).status,
      async verify(living, upload, acknowledged) {
        const { status } = await living.send(upload.session);
        if (status === 204 && !acknowledged) await goOn(living, upload, 0);
        else await isWhole(living, upload.content, acknowledged);
      },
    }),
  ],
  [
    'POST with the whole body',
    step({
      prepare: async () => randomBytes(size),
      act: async (victim, content) =>
        (
          await victim.send(withDigest('blobs/uploads/', digestOf(content)), {
            method: 'POST',
            body: content,
          })
        ).status,
      verify: isWhole,
    }),
  ],
  [
    'PUT of a manifest over a tag, with a subject',
    step({
      async prepare(living) {
        const digest = await living.pushBlob(randomBytes(1000));
        const config = { mediaType: mediaTypes.config, digest, size: 1000 };
        const image = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] };
        const tag = digest.slice(7, 19);
        const before = await living.putManifest(tag, image);
        const subject = {
          mediaType: mediaTypes.manifest,
          digest: before,
          size: JSON.stringify(image).length,
        };
        return { tag, before, after: { ...image, subject } };
      },
      act: async (victim, { tag, after }) =>
        (
          await victim.send(`manifests/${tag}`, {
            method: 'PUT',
            headers: { 'content-type': mediaTypes.manifest },
            body: Buffer.from(JSON.stringify(after)),
          })
        ).status,
      async verify(living, { tag, before, after }, acknowledged) {
        const digest = digestOf(Buffer.from(JSON.stringify(after)));
        const found = await living.resolve(tag);
        expect(acknowledged ? [digest] : [before, digest]).toContain(found);
        await living.getManifest(found);
        if (found === before) await living.putManifest(tag, after);
        expect(await living.resolve(tag)).toBe(digest);
        await living.getManifest(before);
        const { body } = await living.expect(200, `referrers/${before}`);
        expect(body.toString()).toContain(digest);
      },
    }),
  ],
  [
    'mount',
    step({
      async prepare(living) {
        const content = randomBytes(1000);
        await living.pushBlob(content);
        return { content, into: '' };
      },
      async act(victim, prepared) {
        prepared.into = `killed/mount-${digestOf(prepared.content).slice(7, 19)}`;
        const query = `mount=${digestOf(prepared.content)}&from=${victim.name}`;
        return (await victim.send(`/v2/${prepared.into}/blobs/uploads/?${query}`, { method: 'POST' })).status;
      },
      async verify(living, { content, into }, acknowledged) {
        const digest = digestOf(content);
        const { status } = await living.send(`/v2/${into}/blobs/${digest}`);
        expect(acknowledged ? [200] : [200, 404]).toContain(status);
        const query = `mount=${digest}&from=${living.name}`;
        await living.expect(201, `/v2/${into}/blobs/uploads/?${query}`, { method: 'POST' });
        await living.expect(200, `/v2/${into}/blobs/${digest}`);
      },
    }),
  ],
];

// Sessions of one server go on at another only where its lock is known: distribution has none.
const suite = serverUnderTest() === 'fairlead' ? describeWith : () => {};

suite(['versitygw'], 'a server killed over each of its writes to the bucket', () => {
  const held = new AsyncDisposableStack();
  let gate: S3Gate;
  let http: HttpClient;
  let victim: RegistryServer;
  let other: RegistryServer;

  beforeAll(async () => {
    const { path: directory } = held.use(makeScratch());
    const s3 = held.use(await startVersitygw(directory));
    gate = held.use(await startS3Gate(s3.endpoint));
    http = held.use(httpClient());
    const configOf = (endpoint: string) => ({
      storage: {
        ...s3Storage({ ...s3, endpoint }, { chunksize: 5 * 1024 * 1024 }),
        redirect: { disable: true },
      },
    });
    victim = held.use(await startRegistry({ directory, config: configOf(gate.endpoint) }));
    other = held.use(await startRegistry({ directory, config: configOf(s3.endpoint) }));
  });
  afterAll(() => held.disposeAsync());

  const through = (server: RegistryServer, client = http) =>
    new RepositoryClient(client, { origin: server.url, name: 'killed/over' });

  test.each(steps)('%s: what was acknowledged is there, and everything goes on', async (_, it) => {
    const living = through(other);
    const after: (() => Promise<void>)[] = [];
    for (let number = 1; number < mostWrites; number += 1) {
      const prepared = await it.prepare(living);
      const reached = gate.hold(number);
      using cut = httpClient();
      const acted = it.act(through(victim, cut), prepared).catch(() => undefined);
      const first = await Promise.race([acted, reached]);
      if (typeof first === 'number') {
        // There is no write of that number any more.
        expect([first, number > 1]).toEqual([expect.toSatisfy((status) => status < 300), true]);
        gate.open();
        break;
      }
      await victim.kill();
      const status = await acted;
      const where = `over write ${number}, ${first}, answered ${status}`;
      after.push(() =>
        it.verify(living, prepared, status !== undefined && status < 300).catch((cause: unknown) => {
          throw new Error(`killed ${where}: ${cause}`, { cause });
        }),
      );
      gate.open();
      await victim.start();
    }
    expect(after.length).toBeGreaterThan(0);
    // At once, since each may wait for the verdict on its dead holder.
    await Promise.all(after.map((verify) => verify()));
  });
});
