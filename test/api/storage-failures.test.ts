import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../src/oci/media-types.ts';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { MemoryTree } from '../../src/storage/inmemory/memory-tree.ts';
import { StorageFullError } from '../../src/storage/storage-errors.ts';
import type { ApiAnswer } from '../support/api-client.ts';
import {
  EMPTY_CONFIG,
  imageManifest,
  locationOf,
  pushBlob,
  pushImage,
  send,
  startUpload,
} from '../support/api-client.ts';
import { failingDriver, newOutage, type Outage } from '../support/failing-driver.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

const layer = Buffer.alloc(20_000, 'a layer ');
/** More than what is kept in memory, so that it is streamed. */
const large = Buffer.alloc(300_000, 'large ');
const layerDigest = digestOf(layer);
const configDigest = digestOf(EMPTY_CONFIG);
const manifest = imageManifest({
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layerDigest, size: layer.length }],
});
const manifestDigest = digestOf(manifest);
const typed = { 'content-type': OCI_IMAGE_MANIFEST };

interface Bench {
  readonly registry: TestRegistry;
  /** Another process on the same storage, without outages or memories of links. */
  readonly sound: TestRegistry;
  readonly outage: Outage;
}

function startBench(): Bench {
  const tree = new MemoryTree();
  const outage = newOutage();
  const registry = createTestRegistry({ driver: failingDriver(createInMemoryDriver({ tree }), outage) });
  const driver = { ...createInMemoryDriver({ tree }), freshness: { links: 0, tags: 0 } };
  return { registry, outage, sound: createTestRegistry({ driver }) };
}

interface Operation {
  readonly prepare: (registry: TestRegistry) => Promise<string>;
  readonly act: (registry: TestRegistry, prepared: string) => Promise<ApiAnswer>;
  /** What must hold after a success. */
  readonly kept: (registry: TestRegistry) => Promise<void>;
}

const expectStatus = async (registry: TestRegistry, path: string, status = 200): Promise<void> => {
  expect((await send(registry, `GET /v2/${path}`)).status, path).toBe(status);
};
const blobIsThere = async (registry: TestRegistry): Promise<void> => {
  const answer = await send(registry, `GET /v2/a/blobs/${layerDigest}`);
  expect(answer.body.equals(layer)).toBe(true);
};
const pushAll = async (registry: TestRegistry): Promise<string> => {
  await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
  await pushBlob(registry, { name: 'a', content: layer });
  return '';
};
const pushTagged = async (registry: TestRegistry): Promise<string> => {
  await pushAll(registry);
  await send(registry, 'PUT /v2/a/manifests/v1', { headers: typed, body: manifest });
  return '';
};

const operations: Readonly<Record<string, Operation>> = {
  'a whole blob in one POST': {
    prepare: async () => '',
    act: (registry) => send(registry, `POST /v2/a/blobs/uploads/?digest=${layerDigest}`, { body: layer }),
    kept: blobIsThere,
  },
  'a blob by POST and PUT': {
    prepare: (registry) => startUpload(registry, 'a'),
    act: (registry, session) => send(registry, `PUT ${session}?digest=${layerDigest}`, { body: layer }),
    kept: blobIsThere,
  },
  'the PUT after a PATCH': {
    prepare: async (registry) => {
      const session = await startUpload(registry, 'a');
      return locationOf(await send(registry, `PATCH ${session}`, { body: layer }));
    },
    act: (registry, session) => send(registry, `PUT ${session}?digest=${layerDigest}`),
    kept: blobIsThere,
  },
  'a mount': {
    prepare: async (registry) => `${await pushBlob(registry, { name: 'b', content: layer })}`,
    act: (registry) => send(registry, `POST /v2/a/blobs/uploads/?mount=${layerDigest}&from=b`),
    kept: blobIsThere,
  },
  'a manifest with tags': {
    prepare: pushAll,
    act: (registry) =>
      send(registry, `PUT /v2/a/manifests/${manifestDigest}?tag=v1&tag=v2`, {
        headers: typed,
        body: manifest,
      }),
    kept: async (registry) => {
      for (const reference of ['v1', 'v2', manifestDigest])
        await expectStatus(registry, `a/manifests/${reference}`);
    },
  },
  'a referrer': {
    prepare: pushTagged,
    act: (registry) => {
      const subject = { mediaType: OCI_IMAGE_MANIFEST, digest: manifestDigest, size: manifest.length };
      return send(registry, 'PUT /v2/a/manifests/r', { headers: typed, body: imageManifest({ subject }) });
    },
    kept: async (registry) => {
      const list = (await send(registry, `GET /v2/a/referrers/${manifestDigest}`)).json as {
        manifests: unknown[];
      };
      expect(list.manifests).toHaveLength(1);
    },
  },
  'an index': {
    prepare: async (registry) => JSON.stringify((await pushImage(registry, { name: 'a' })).descriptor),
    act: (registry, descriptor) => {
      const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [JSON.parse(descriptor)] };
      const headers = { 'content-type': OCI_IMAGE_INDEX };
      return send(registry, 'PUT /v2/a/manifests/i', { headers, body: JSON.stringify(index) });
    },
    kept: (registry) => expectStatus(registry, 'a/manifests/i'),
  },
  'a deleted manifest': {
    prepare: pushTagged,
    act: (registry) => send(registry, `DELETE /v2/a/manifests/${manifestDigest}`),
    kept: async (registry) => {
      for (const reference of ['v1', manifestDigest])
        await expectStatus(registry, `a/manifests/${reference}`, 404);
    },
  },
  'a deleted tag': {
    prepare: pushTagged,
    act: (registry) => send(registry, 'DELETE /v2/a/manifests/v1'),
    kept: async (registry) => {
      await expectStatus(registry, 'a/manifests/v1', 404);
      await expectStatus(registry, `a/manifests/${manifestDigest}`);
    },
  },
  'a deleted blob': {
    prepare: pushAll,
    act: (registry) => send(registry, `DELETE /v2/a/blobs/${layerDigest}`),
    kept: (registry) => expectStatus(registry, `a/blobs/${layerDigest}`, 404),
  },
  'a streamed blob': {
    prepare: (registry) => pushBlob(registry, { name: 'a', content: large }),
    act: (registry, digest) => send(registry, `GET /v2/a/blobs/${digest}`),
    kept: async () => {},
  },
  'a pulled small blob': {
    prepare: pushAll,
    act: (registry) => send(registry, `GET /v2/a/blobs/${configDigest}`),
    kept: async () => {},
  },
  'a pulled manifest': {
    prepare: pushTagged,
    act: (registry) => send(registry, 'GET /v2/a/manifests/v1'),
    kept: async () => {},
  },
  'a list of tags': {
    prepare: pushTagged,
    act: (registry) => send(registry, 'GET /v2/a/tags/list'),
    kept: async () => {},
  },
  'the catalog': {
    prepare: pushTagged,
    act: (registry) => send(registry, 'GET /v2/_catalog'),
    kept: async () => {},
  },
  'the status of a session': {
    prepare: (registry) => startUpload(registry, 'a'),
    act: (registry, session) => send(registry, `GET ${session}`),
    kept: async () => {},
  },
  'a new session': {
    prepare: async () => '',
    act: (registry) => send(registry, 'POST /v2/a/blobs/uploads/'),
    kept: async () => {},
  },
};

describe.each([
  ['one call fails', { lasting: false, afterwards: false }],
  ['one call is done, and its answer lost', { lasting: false, afterwards: true }],
  ['everything fails from one call on', { lasting: true, afterwards: false }],
])('%s', (_, kind) => {
  test.each(Object.entries(operations))(
    '%s: 503 and a log line, or a success that holds',
    async (_, operation) => {
      let failures = 0;
      for (let at = 1; at < 60; at += 1) {
        const bench = startBench();
        // Another process prepares, so that nothing is answered from memory.
        const prepared = await operation.prepare(bench.sound);
        Object.assign(bench.outage, kind, { at, calls: 0 });
        const answer = await operation.act(bench.registry, prepared);
        const reached = bench.outage.calls >= at;
        bench.outage.at = 0;
        const where = `call ${at}`;
        if (answer.status < 300) {
          await operation.kept(bench.sound);
          await operation.kept(bench.registry);
        } else {
          failures += 1;
          expect(answer.status, where).toBe(503);
          expect(answer.headers['retry-after'], where).toBe('5');
          expect(answer.codes).toEqual(['UNAVAILABLE']);
          expect(
            bench.registry.log.filter(({ level }) => level === 'error'),
            where,
          ).toHaveLength(1);
          if (at % 2 === 0) continue;
          // The same works when the storage is back.
          const again = await operation.prepare(bench.registry);
          expect((await operation.act(bench.registry, again)).status, where).toBeLessThan(300);
          await operation.kept(bench.sound);
        }
        if (!reached) break;
      }
      expect(failures).toBeGreaterThan(0);
    },
  );
});

test('a full storage is 507 in JSON, what was there stays, and the session goes on when there is room', async () => {
  const { registry, outage } = startBench();
  const first = layer.subarray(0, 1000);
  await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
  const session = await startUpload(registry, 'a');
  await send(registry, `PATCH ${session}`, { body: first });
  Object.assign(outage, { at: 2, lasting: false, calls: 0, error: () => new StorageFullError('no space') });
  const answer = await send(registry, `PATCH ${session}`, { body: layer.subarray(1000) });
  outage.at = 0;
  expect(answer.status).toBe(507);
  expect(answer.codes).toEqual(['STORAGE_FULL']);
  expect((await send(registry, `GET ${session}`)).headers.range).toBe('0-999');
  expect((await send(registry, `PATCH ${session}`, { body: layer.subarray(1000) })).status).toBe(202);
  expect((await send(registry, `PUT ${session}?digest=${layerDigest}`)).status).toBe(201);
  expect((await send(registry, `GET /v2/a/blobs/${configDigest}`)).status).toBe(200);
});
