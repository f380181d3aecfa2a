import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { OCI_IMAGE_MANIFEST } from '../../src/oci/media-types.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { createS3Driver } from '../../src/storage/s3/s3-driver.ts';
import { pattern } from '../contract/storage-harness.ts';
import {
  type ApiAnswer,
  EMPTY_CONFIG,
  imageManifest,
  pushBlob,
  pushImage,
  send,
  startUpload,
} from '../support/api-client.ts';
import type { FaultKind } from '../support/s3/s3-faults.ts';
import { FAST, s3Options } from '../support/s3/s3-harness.ts';
import { InProcessS3 } from '../support/s3/s3-server.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

const PART = 256 * 1024;

/** One part and the beginning of another. */
const content = pattern(PART + 50_000);
const digest = digestOf(content);
const typed = { 'content-type': OCI_IMAGE_MANIFEST };

let s3: InProcessS3;
const drivers: StorageDriver[] = [];

beforeEach(async () => {
  s3 = await InProcessS3.start();
  s3.store.smallestPart = PART;
});
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  await s3[Symbol.asyncDispose]();
});

/** A server of its own over the bucket. @param retryFor milliseconds in which it tries again */
function startServer(retryFor = 2_000): TestRegistry {
  const driver = createS3Driver(s3Options(s3, { chunkSize: PART, timing: { ...FAST, retryFor } }));
  drivers.push(driver);
  return createTestRegistry({ driver });
}

interface Step {
  prepare(server: TestRegistry): Promise<string>;
  /** @param start gives another server that has nothing in its memory */
  act(server: TestRegistry, prepared: string, start: () => TestRegistry): Promise<ApiAnswer>;
  /** Through another server: what holds after a success, and after a failure that left it as it was or done. */
  verify(other: TestRegistry, prepared: string, succeeded: boolean): Promise<void>;
}

const get = (server: TestRegistry, path: string) => send(server, `GET /v2/${path}`);

/** There, whole; or else not there at all, and then it can be pushed. */
async function isWhole(other: TestRegistry, _: string, succeeded: boolean): Promise<void> {
  const found = await get(other, `a/blobs/${digest}`);
  if (!succeeded && found.status === 404) await pushBlob(other, { name: 'a', content });
  else expect([found.status, found.body.equals(content)]).toEqual([200, true]);
  expect((await get(other, `a/blobs/${digest}`)).body.equals(content)).toBe(true);
}

async function goesOn(other: TestRegistry, session: string, atLeast: number): Promise<void> {
  const { status, headers } = await send(other, `GET ${session}`);
  if (status === 404 || headers.range === '0-0') {
    expect(atLeast).toBe(0);
    return isWhole(other, session, false);
  }
  const size = Number(headers.range?.slice(2)) + 1;
  expect(size).toBeGreaterThanOrEqual(atLeast);
  const rest = content.subarray(size);
  const ended = await send(other, `PUT ${session}?digest=${digest}`, { body: rest });
  expect(ended.status).toBe(201);
  return isWhole(other, session, true);
}

const tagged = async (server: TestRegistry) =>
  (await pushImage(server, { name: 'a', reference: 'v1' })).descriptor;

const steps: Readonly<Record<string, Step>> = {
  'POST with the whole body': {
    prepare: async () => '',
    act: (server) => send(server, `POST /v2/a/blobs/uploads/?digest=${digest}`, { body: content }),
    verify: isWhole,
  },
  'POST that begins a session': {
    prepare: async () => '',
    act: (server) => send(server, 'POST /v2/a/blobs/uploads/'),
    verify: async (other, _, succeeded) => {
      if (!succeeded) await isWhole(other, '', false);
    },
  },
  'PUT with the whole body': {
    prepare: (server) => startUpload(server, 'a'),
    act: (server, session) => send(server, `PUT ${session}?digest=${digest}`, { body: content }),
    verify: isWhole,
  },
  PATCH: {
    prepare: (server) => startUpload(server, 'a'),
    act: (server, session) => send(server, `PATCH ${session}`, { body: content }),
    verify: (other, session, succeeded) => goesOn(other, session, succeeded ? content.length : 0),
  },
  'PUT that ends a PATCHed session': {
    async prepare(server) {
      const session = await startUpload(server, 'a');
      await send(server, `PATCH ${session}`, { body: content });
      return session;
    },
    act: (server, session) => send(server, `PUT ${session}?digest=${digest}`),
    verify: (other, session, succeeded) =>
      succeeded ? isWhole(other, session, true) : goesOn(other, session, 0),
  },
  'DELETE of a session': {
    async prepare(server) {
      const session = await startUpload(server, 'a');
      await send(server, `PATCH ${session}`, { body: content });
      return session;
    },
    act: (server, session) => send(server, `DELETE ${session}`),
    async verify(other, session, succeeded) {
      if (succeeded) expect((await send(other, `GET ${session}`)).status).toBe(404);
    },
  },
  mount: {
    async prepare(server) {
      await pushBlob(server, { name: 'from', content });
      return '';
    },
    act: (server) => send(server, `POST /v2/a/blobs/uploads/?mount=${digest}&from=from`),
    verify: isWhole,
  },
  'PUT of a manifest with a tag and a subject': {
    prepare: async (server) => JSON.stringify(await tagged(server)),
    act: (server, subject) =>
      send(server, 'PUT /v2/a/manifests/v1', {
        headers: typed,
        body: imageManifest({ subject: JSON.parse(subject) }),
      }),
    async verify(other, subject, succeeded) {
      const body = imageManifest({ subject: JSON.parse(subject) });
      const found = await get(other, 'a/manifests/v1');
      expect(found.status).toBe(200);
      if (succeeded) expect(found.body.equals(body)).toBe(true);
      const again = await send(other, 'PUT /v2/a/manifests/v1', { headers: typed, body });
      expect(again.status).toBe(201);
      const referrers = await get(other, `a/referrers/${JSON.parse(subject).digest}`);
      expect(referrers.body.toString()).toContain(digestOf(body));
      expect((await get(other, 'a/manifests/v1')).body.equals(body)).toBe(true);
    },
  },
  'DELETE of a tag': {
    prepare: async (server) => (await tagged(server)).digest,
    act: (server) => send(server, 'DELETE /v2/a/manifests/v1'),
    async verify(other, manifest, succeeded) {
      const { status } = await get(other, 'a/manifests/v1');
      expect(succeeded ? [404] : [200, 404]).toContain(status);
      expect((await get(other, `a/manifests/${manifest}`)).status).toBe(200);
    },
  },
  'DELETE of a manifest': {
    prepare: async (server) => (await tagged(server)).digest,
    act: (server, manifest) => send(server, `DELETE /v2/a/manifests/${manifest}`),
    async verify(other, manifest, succeeded) {
      const byDigest = await get(other, `a/manifests/${manifest}`);
      const byTag = await get(other, 'a/manifests/v1');
      if (succeeded) expect([byDigest.status, byTag.status]).toEqual([404, 404]);
      // A tag never leads to what is gone.
      if (byTag.status === 200) expect(byDigest.status).toBe(200);
    },
  },
  'GET of everything': {
    prepare: async (server) => (await tagged(server)).digest,
    async act(server, manifest, start) {
      const paths = [
        'a/manifests/v1',
        `a/manifests/${manifest}`,
        `a/blobs/${digestOf(EMPTY_CONFIG)}`,
        'a/tags/list',
        `a/referrers/${manifest}`,
        '_catalog',
      ];
      const fresh = start();
      for (const path of paths) {
        const answer = await get(fresh, path);
        if (answer.status !== 200) return answer;
      }
      return get(server, 'a/manifests/v1');
    },
    verify: async (other, manifest) => {
      expect((await get(other, `a/manifests/${manifest}`)).status).toBe(200);
    },
  },
};

const ways: readonly [string, FaultKind, number][] = [
  [
    'a bucket that fails from there on',
    { kind: 'answer', status: 503, code: 'SlowDown' },
    Number.POSITIVE_INFINITY,
  ],
  ['one answer that is lost', { kind: 'lost-answer' }, 1],
];

describe.each(ways)('%s, at each request to it', (_, fault, times) => {
  test.each(Object.entries(steps))('%s', async (_name, step) => {
    let failed = 0;
    for (let after = 0; after < 30; after += 1) {
      s3.store.objects.clear();
      s3.store.uploads.clear();
      s3.script.clear();
      // What fails for ever is given up soon.
      const start = () => startServer(times > 1 ? 50 : undefined);
      const server = start();
      const prepared = await step.prepare(server);
      const before = s3.script.seen.length;
      s3.fail({ operation: 'any', after, times, fault });
      const answer = await step.act(server, prepared, start);
      const reached = s3.script.seen.length - before > after;
      const where = `${after}: ${s3.script.seen[before + after]?.operation}`;
      s3.script.clear();
      const succeeded = answer.status < 400;
      if (!succeeded) {
        failed += 1;
        expect([where, answer.status, answer.headers['retry-after']]).toEqual([where, 503, '5']);
        expect(answer.codes).toEqual(['UNAVAILABLE']);
        expect(times).toBeGreaterThan(1);
      }
      await step.verify(startServer(), prepared, succeeded);
      if (!reached) break;
    }
    expect(failed > 0).toBe(times > 1);
  });
});
