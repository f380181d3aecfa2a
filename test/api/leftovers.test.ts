import { expect, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import {
  EMPTY_CONFIG,
  imageManifest,
  pushBlob,
  pushImage,
  putManifest,
  send,
  startUpload,
} from '../support/api-client.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

/*
 * What distribution, a crash or a bad disk leaves behind: the right 404, a warning that names repository and file,
 * never a 500; and a push heals it.
 */

const root = 'docker/registry/v2';
const repository = `${root}/repositories/a/b`;
const hex = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1);
const dataOf = (digest: Digest): string =>
  `${root}/blobs/sha256/${hex(digest).slice(0, 2)}/${hex(digest)}/data`;
const blob = digestOf(EMPTY_CONFIG);

/** A registry with an image, and another process on its storage that remembers nothing. */
async function withImage() {
  const before = createTestRegistry();
  const { digest, content } = await pushImage(before, { name: 'a/b', reference: 'v1' });
  const registry = createTestRegistry({ driver: before.driver });
  return { registry, driver: before.driver, digest, content };
}

const warnings = ({ log }: TestRegistry) =>
  log.filter(({ level }) => level === 'warn').map(({ fields }) => fields);
const errors = ({ log }: TestRegistry) => log.filter(({ level }) => level === 'error');

test.each([
  ['empty', ''],
  ['half written', 'sha256:abc'],
  ['nonsense', '../../../../etc/passwd'],
  ['of another algorithm', `md5:${'a'.repeat(32)}`],
  ['huge', 'x'.repeat(100_000)],
])('a link that is %s is taken for missing, and a push heals it', async (_, text) => {
  const { registry, driver, digest, content } = await withImage();
  const links = [
    [`${repository}/_manifests/tags/v1/current/link`, 'manifests/v1'],
    [`${repository}/_manifests/revisions/sha256/${hex(digest)}/link`, `manifests/${digest}`],
    [`${repository}/_layers/sha256/${hex(blob)}/link`, `blobs/${blob}`],
  ] as const;
  for (const [file] of links) await driver.write(file, Buffer.from(text));
  for (const [file, path] of links) {
    expect((await send(registry, `GET /v2/a/b/${path}`)).status, path).toBe(404);
    expect((await send(registry, `HEAD /v2/a/b/${path}`)).status, path).toBe(404);
    expect(warnings(registry)).toContainEqual(expect.objectContaining({ repository: 'a/b', file }));
  }
  await pushBlob(registry, { name: 'a/b', content: EMPTY_CONFIG });
  expect((await putManifest(registry, 'a/b/manifests/v1', content)).status).toBe(201);
  for (const [, path] of links) expect((await send(registry, `GET /v2/a/b/${path}`)).status, path).toBe(200);
  expect(errors(registry)).toEqual([]);
});

test('a tag whose revision is gone is 404 with a warning, and can be deleted', async () => {
  const { registry, driver, digest } = await withImage();
  await driver.delete(`${repository}/_manifests/revisions/sha256/${hex(digest)}/link`);
  const answer = await send(registry, 'GET /v2/a/b/manifests/v1');
  expect(answer.codes).toEqual(['MANIFEST_UNKNOWN']);
  expect(warnings(registry)).toContainEqual(
    expect.objectContaining({
      repository: 'a/b',
      tag: 'v1',
      file: `${repository}/_manifests/tags/v1/current/link`,
    }),
  );
  expect((await send(registry, 'GET /v2/a/b/tags/list')).json).toEqual({ name: 'a/b', tags: ['v1'] });
  expect((await send(registry, 'DELETE /v2/a/b/manifests/v1')).status).toBe(202);
});

test.each(['missing', 'empty', 'damaged'])(
  'data that is %s is 404 with a warning, and a push heals it',
  async (how) => {
    const { registry, driver, digest, content } = await withImage();
    for (const victim of [digest, blob]) {
      if (how === 'missing') await driver.delete(dataOf(victim));
      else
        await driver.write(
          dataOf(victim),
          Buffer.alloc(how === 'empty' ? 0 : victim === blob ? 2 : content.length),
        );
    }
    for (const [path, victim] of [
      ['manifests/v1', digest],
      [`manifests/${digest}`, digest],
      [`blobs/${blob}`, blob],
    ] as const) {
      expect((await send(registry, `HEAD /v2/a/b/${path}`)).status, path).toBe(404);
      expect((await send(registry, `GET /v2/a/b/${path}`)).status, path).toBe(404);
      expect(warnings(registry)).toContainEqual(
        expect.objectContaining({ repository: 'a/b', file: dataOf(victim) }),
      );
    }
    expect((await send(registry, `GET /v2/a/b/referrers/${digest}`)).status).toBe(200);
    await pushBlob(registry, { name: 'a/b', content: EMPTY_CONFIG });
    await putManifest(registry, 'a/b/manifests/v1', content);
    expect((await send(registry, 'GET /v2/a/b/manifests/v1')).body.equals(content)).toBe(true);
    expect((await send(registry, `GET /v2/a/b/blobs/${blob}`)).body.equals(EMPTY_CONFIG)).toBe(true);
    expect(errors(registry)).toEqual([]);
  },
);

test('data that goes while it is remembered is 404, not 500, and no manifest is taken that names it', async () => {
  const registry = createTestRegistry();
  const large = Buffer.alloc(400_000, 'large');
  const digest = await pushBlob(registry, { name: 'a/b', content: large });
  await pushBlob(registry, { name: 'a/b', content: EMPTY_CONFIG });
  await registry.driver.delete(dataOf(digest));
  const layers = [{ mediaType: 'application/x-layer', digest, size: large.length }];
  const answer = await putManifest(registry, 'a/b/manifests/v1', imageManifest({ layers }));
  expect(answer.codes).toEqual(['MANIFEST_BLOB_UNKNOWN']);
  const again = createTestRegistry();
  await pushBlob(again, { name: 'a/b', content: large });
  await again.driver.delete(dataOf(digest));
  expect((await send(again, `GET /v2/a/b/blobs/${digest}`)).codes).toEqual(['BLOB_UNKNOWN']);
  expect(errors(again)).toEqual([]);
});

test("distribution's sha256 alias of a sha512 blob is read, and mounted", async () => {
  const { registry, driver } = await withImage();
  const alias = digestOf(EMPTY_CONFIG, 'sha512');
  await driver.write(`${repository}/_layers/sha512/${hex(alias)}/link`, Buffer.from(blob));
  const answer = await send(registry, `GET /v2/a/b/blobs/${alias}`);
  expect(answer.body.equals(EMPTY_CONFIG)).toBe(true);
  expect(answer.headers['docker-content-digest']).toBe(alias);
  expect((await send(registry, `POST /v2/c/blobs/uploads/?mount=${alias}&from=a/b`)).status).toBe(201);
  expect((await send(registry, `GET /v2/c/blobs/${alias}`)).body.equals(EMPTY_CONFIG)).toBe(true);
});

test('what lies around disturbs nobody: temporary files, folders without links, hash states, other files', async () => {
  const { registry, driver } = await withImage();
  for (const file of [
    `${repository}/_manifests/tags/v1/current/link.3f1c.tmp`,
    `${repository}/_manifests/revisions/sha256/${'0'.repeat(64)}/signatures/sha256/${'1'.repeat(64)}/link`,
    `${repository}/_layers/sha256/${hex(blob)}/link.3f1c.tmp`,
    `${repository}/_layers/sha256/${'2'.repeat(64)}/other`,
    `${repository}/_manifests/tags/lost+found/x`,
    `${root}/repositories/lost+found/x`,
    `${root}/repositories/UPPER/_manifests/tags/v1/current/link`,
    `${root}/repositories/readme.txt`,
    `${root}/blobs/sha256/zz/x`,
    'scheduler-state.json',
  ]) {
    await driver.write(file, Buffer.from('x'));
  }
  expect((await send(registry, 'GET /v2/a/b/tags/list')).json).toEqual({ name: 'a/b', tags: ['v1'] });
  expect((await send(registry, 'GET /v2/_catalog')).json).toEqual({ repositories: ['a/b'] });
  expect((await send(registry, `GET /v2/a/b/manifests/sha256:${'0'.repeat(64)}`)).status).toBe(404);
  expect((await send(registry, `GET /v2/a/b/blobs/sha256:${'2'.repeat(64)}`)).status).toBe(404);
});

test('a session of distribution with hash states goes on; one without startedat is 404', async () => {
  const { registry, driver } = await withImage();
  const session = await startUpload(registry, 'a/b');
  const id = session.split('/').at(-1);
  await driver.write(`${repository}/_uploads/${id}/hashstates/sha256/0`, Buffer.from('Go state'));
  expect((await send(registry, `PATCH ${session}`, { body: EMPTY_CONFIG })).status).toBe(202);
  expect((await send(registry, `PUT ${session}?digest=${blob}`)).status).toBe(201);
  const other = '11111111-1111-4111-8111-111111111111';
  await driver.write(`${repository}/_uploads/${other}/hashstates/sha256/0`, Buffer.from('Go state'));
  for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
    expect((await send(registry, `${method} /v2/a/b/blobs/uploads/${other}`)).status, method).toBe(404);
  }
});
