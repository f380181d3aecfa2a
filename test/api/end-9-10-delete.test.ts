import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { OCI_IMAGE_INDEX } from '../../src/oci/media-types.ts';
import { EMPTY_CONFIG, pushBlob, pushImage, putManifest, send } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const absent = digestOf(Buffer.from('nobody pushed this'));
const blob = digestOf(EMPTY_CONFIG);

describe('end-9', () => {
  test('DELETE of a tag is 202; the tag is gone, its manifest and other tags stay', async () => {
    const registry = createTestRegistry();
    const { digest } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
    await pushImage(registry, { name: 'a/b', reference: 'v2' });
    expect((await send(registry, 'DELETE /v2/a/b/manifests/v1')).status).toBe(202);
    expect((await send(registry, 'GET /v2/a/b/manifests/v1')).status).toBe(404);
    expect((await send(registry, 'GET /v2/a/b/manifests/v2')).status).toBe(200);
    expect((await send(registry, `GET /v2/a/b/manifests/${digest}`)).status).toBe(200);
    expect((await send(registry, 'GET /v2/a/b/tags/list')).json).toEqual({ name: 'a/b', tags: ['v2'] });
    expect(registry.audit.at(-1)).toMatchObject({ audit: 'delete', repository: 'a/b', reference: 'v1' });
  });

  test('DELETE of a manifest is 202; it is gone with every tag on it, and no other', async () => {
    const registry = createTestRegistry();
    const { digest } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
    await pushImage(registry, { name: 'a/b', reference: 'v2' });
    await pushImage(registry, { name: 'a/b', reference: 'other', fields: { annotations: { other: 'yes' } } });
    expect((await send(registry, `DELETE /v2/a/b/manifests/${digest}`)).status).toBe(202);
    for (const reference of ['v1', 'v2', digest]) {
      expect((await send(registry, `GET /v2/a/b/manifests/${reference}`)).status, reference).toBe(404);
      expect((await send(registry, `HEAD /v2/a/b/manifests/${reference}`)).status, reference).toBe(404);
    }
    expect((await send(registry, 'GET /v2/a/b/tags/list')).json).toEqual({ name: 'a/b', tags: ['other'] });
    expect((await send(registry, 'GET /v2/a/b/manifests/other')).status).toBe(200);
  });

  test('a manifest of another repository stays', async () => {
    const registry = createTestRegistry();
    const { digest } = await pushImage(registry, { name: 'a', reference: 'v1' });
    await pushImage(registry, { name: 'b', reference: 'v1' });
    await send(registry, `DELETE /v2/a/manifests/${digest}`);
    expect((await send(registry, 'GET /v2/b/manifests/v1')).status).toBe(200);
  });

  test('an index may lose a child; the rest of it stays', async () => {
    const registry = createTestRegistry();
    const { descriptor, digest } = await pushImage(registry, { name: 'a' });
    const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [descriptor] };
    await putManifest(registry, 'a/manifests/v1', JSON.stringify(index));
    expect((await send(registry, `DELETE /v2/a/manifests/${digest}`)).status).toBe(202);
    expect((await send(registry, 'GET /v2/a/manifests/v1')).status).toBe(200);
  });

  test('what is not there is 404 MANIFEST_UNKNOWN, the second time too', async () => {
    const registry = createTestRegistry();
    const { digest } = await pushImage(registry, { name: 'a', reference: 'v1' });
    await send(registry, `DELETE /v2/a/manifests/${digest}`);
    for (const path of [
      `a/manifests/${digest}`,
      'a/manifests/v1',
      `a/manifests/${absent}`,
      'none/manifests/v1',
      `none/manifests/${digest}`,
    ]) {
      const answer = await send(registry, `DELETE /v2/${path}`);
      expect(answer.status, path).toBe(404);
      expect(answer.codes).toEqual(['MANIFEST_UNKNOWN']);
    }
  });

  test('a deleted manifest can be pushed again', async () => {
    const registry = createTestRegistry();
    const { digest } = await pushImage(registry, { name: 'a', reference: 'v1' });
    await send(registry, `DELETE /v2/a/manifests/${digest}`);
    await pushImage(registry, { name: 'a', reference: 'v1' });
    expect((await send(registry, 'GET /v2/a/manifests/v1')).status).toBe(200);
  });

  test('a push and a delete of one manifest at once leave no tag that leads nowhere', async () => {
    const registry = createTestRegistry();
    for (let round = 0; round < 10; round += 1) {
      const { digest, content } = await pushImage(registry, { name: 'a', reference: `v${round}` });
      await Promise.all([
        send(registry, `DELETE /v2/a/manifests/${digest}`),
        putManifest(registry, `a/manifests/again${round}`, content),
        send(registry, `DELETE /v2/a/manifests/${digest}`),
      ]);
      const list = (await send(registry, 'GET /v2/a/tags/list')).json as { tags?: string[] };
      for (const tag of list.tags ?? [])
        expect((await send(registry, `GET /v2/a/manifests/${tag}`)).status).toBe(200);
    }
  });

  test('a repository whose last tag is gone answers an empty list', async () => {
    const registry = createTestRegistry();
    await pushImage(registry, { name: 'a', reference: 'v1' });
    await send(registry, 'DELETE /v2/a/manifests/v1');
    expect((await send(registry, 'GET /v2/a/tags/list')).json).toEqual({ name: 'a', tags: [] });
  });
});

describe('end-10', () => {
  test('DELETE of a blob is 202; HEAD and GET are 404 at once, and it can be pushed again', async () => {
    const registry = createTestRegistry();
    await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
    await pushBlob(registry, { name: 'b', content: EMPTY_CONFIG });
    expect((await send(registry, `DELETE /v2/a/blobs/${blob}`)).status).toBe(202);
    expect((await send(registry, `HEAD /v2/a/blobs/${blob}`)).status).toBe(404);
    expect((await send(registry, `GET /v2/a/blobs/${blob}`)).status).toBe(404);
    expect((await send(registry, `GET /v2/b/blobs/${blob}`)).status).toBe(200);
    await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
    expect((await send(registry, `HEAD /v2/a/blobs/${blob}`)).status).toBe(200);
    expect(registry.audit.filter(({ audit }) => audit === 'delete')).toMatchObject([
      { repository: 'a', reference: blob },
    ]);
  });

  test('what is not there is 404 BLOB_UNKNOWN', async () => {
    const registry = createTestRegistry();
    for (const path of [`a/blobs/${absent}`, `none/blobs/${blob}`]) {
      const answer = await send(registry, `DELETE /v2/${path}`);
      expect(answer.status).toBe(404);
      expect(answer.codes).toEqual(['BLOB_UNKNOWN']);
    }
  });

  test('data is never deleted by it', async () => {
    const registry = createTestRegistry();
    await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
    await send(registry, `DELETE /v2/a/blobs/${blob}`);
    expect(await registry.storage.contents.sizeInStorage(blob)).toBe(2);
  });
});

test('end-9, 10: switched off it is 405 UNSUPPORTED with the key to set, and what is left', async () => {
  const registry = createTestRegistry({ settings: { deleteEnabled: false } });
  const { digest } = await pushImage(registry, { name: 'a', reference: 'v1' });
  for (const path of ['a/manifests/v1', `a/manifests/${digest}`, `a/blobs/${blob}`, `none/blobs/${absent}`]) {
    const answer = await send(registry, `DELETE /v2/${path}`);
    expect(answer.status, path).toBe(405);
    expect(answer.codes).toEqual(['UNSUPPORTED']);
    expect(answer.body.toString()).toContain('storage.delete.enabled');
    expect(answer.headers.allow).toMatch(/^GET, HEAD/);
    expect(answer.headers.allow).not.toContain('DELETE');
  }
  expect((await send(registry, 'GET /v2/a/manifests/v1')).status).toBe(200);
});

test('read-only: every change is 405 UNSUPPORTED with the key, reading goes on', async () => {
  const driver = createTestRegistry();
  const { digest, content } = await pushImage(driver, { name: 'a', reference: 'v1' });
  const registry = createTestRegistry({ driver: driver.driver, settings: { readOnly: true } });
  const session = '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000';
  for (const line of [
    'POST /v2/a/blobs/uploads/',
    `POST /v2/a/blobs/uploads/?digest=${blob}`,
    `POST /v2/a/blobs/uploads/?mount=${blob}&from=b`,
    `PATCH ${session}`,
    `PUT ${session}?digest=${blob}`,
    `DELETE ${session}`,
    'PUT /v2/a/manifests/v2',
    `DELETE /v2/a/manifests/${digest}`,
    `DELETE /v2/a/blobs/${blob}`,
  ] as const) {
    const answer = await send(registry, line, { body: content });
    expect(answer.status, line).toBe(405);
    expect(answer.codes).toEqual(['UNSUPPORTED']);
    expect(answer.body.toString()).toContain('storage.maintenance.readonly');
  }
  for (const path of [
    '',
    'a/manifests/v1',
    `a/blobs/${blob}`,
    'a/tags/list',
    `a/referrers/${digest}`,
    '_catalog',
  ]) {
    expect((await send(registry, `GET /v2/${path}`)).status, path).toBe(200);
  }
});
