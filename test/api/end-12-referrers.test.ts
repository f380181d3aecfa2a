import { describe, expect, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import {
  OCI_EMPTY,
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from '../../src/oci/media-types.ts';
import { fallbackTag } from '../../src/storage/referrers.ts';
import type { ApiAnswer } from '../support/api-client.ts';
import {
  type Descriptor,
  EMPTY_CONFIG,
  imageManifest,
  pushBlob,
  pushImage,
  putManifest,
  send,
} from '../support/api-client.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

const absent = digestOf(Buffer.from('nobody pushed this'));

interface Index {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

async function referrers(
  registry: TestRegistry,
  digest: string,
  query = '',
): Promise<Index & { answer: ApiAnswer }> {
  const answer = await send(registry, `GET /v2/a/referrers/${digest}${query}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe(OCI_IMAGE_INDEX);
  const index = answer.json as Index;
  expect(index).toMatchObject({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX });
  return { ...index, answer };
}

const digests = ({ manifests }: Index): string[] => manifests.map(({ digest }) => digest);

/** An image and what refers to it. */
async function withSubject() {
  const registry = createTestRegistry();
  const subject = await pushImage(registry, { name: 'a', reference: 'v1' });
  const refer = (fields: Readonly<Record<string, unknown>>) =>
    pushImage(registry, { name: 'a', fields: { subject: subject.descriptor, ...fields } });
  return { registry, subject, refer };
}

test('end-12a: lists what names the subject, with type, size, artifactType and annotations', async () => {
  const { registry, subject, refer } = await withSubject();
  const annotations = { 'org.example.kind': 'sbom', empty: '' };
  const typed = await refer({ artifactType: 'application/vnd.example.sbom', annotations });
  const untyped = await refer({ annotations: { untyped: 'yes' } });
  const empty = await refer({
    artifactType: '',
    config: { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: 2 },
  });
  const list = await referrers(registry, subject.digest);
  const expected = [
    { ...typed.descriptor, artifactType: 'application/vnd.example.sbom', annotations },
    { ...untyped.descriptor, artifactType: OCI_IMAGE_CONFIG, annotations: { untyped: 'yes' } },
    { ...empty.descriptor, artifactType: OCI_EMPTY },
  ];
  expect(list.manifests).toEqual(expected.sort((a, b) => (a.digest < b.digest ? -1 : 1)));
});

test('end-12a: an index without artifactType is listed without one', async () => {
  const { registry, subject } = await withSubject();
  const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [], subject: subject.descriptor };
  const answer = await putManifest(registry, 'a/manifests/referring', JSON.stringify(index));
  expect(answer.headers['oci-subject']).toBe(subject.digest);
  const [entry] = (await referrers(registry, subject.digest)).manifests;
  expect(entry).toEqual({
    mediaType: OCI_IMAGE_INDEX,
    digest: answer.headers['docker-content-digest'],
    size: JSON.stringify(index).length,
  });
});

test('end-12a: 200 and an empty index where there is nothing, never 404', async () => {
  const { registry, subject } = await withSubject();
  for (const digest of [
    subject.digest,
    absent,
    digestOf(EMPTY_CONFIG, 'sha512'),
    `sha256:${'0'.repeat(64)}`,
  ]) {
    expect((await referrers(registry, digest)).manifests).toEqual([]);
  }
  const answer = await send(registry, `GET /v2/never/was/referrers/${absent}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe(OCI_IMAGE_INDEX);
});

test.each(['nonsense', 'sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'sha256:%2e%2e', 'v1'])(
  'end-12a: %s in place of a digest is 400 DIGEST_INVALID',
  async (digest) => {
    const answer = await send(createTestRegistry(), `GET /v2/a/referrers/${digest}`);
    expect(answer.status).toBe(400);
    expect(answer.codes).toEqual(['DIGEST_INVALID']);
  },
);

test('end-12a: a referrer may come before its subject, and by sha512', async () => {
  const registry = createTestRegistry();
  await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
  const content = imageManifest({ annotations: { later: 'yes' } });
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const digest = digestOf(content, algorithm);
    const subject = { mediaType: OCI_IMAGE_MANIFEST, digest, size: content.length };
    const referrer = imageManifest({ subject });
    const own = digestOf(referrer, algorithm);
    expect((await putManifest(registry, `a/manifests/${own}`, referrer)).headers['oci-subject']).toBe(digest);
    expect(digests(await referrers(registry, digest))).toEqual([own]);
    await putManifest(registry, `a/manifests/${digest}`, content);
    expect(digests(await referrers(registry, digest))).toEqual([own]);
  }
});

test('end-12a: a deleted referrer leaves the list, a deleted subject does not take it along', async () => {
  const { registry, subject, refer } = await withSubject();
  const first = await refer({ annotations: { n: '1' } });
  const second = await refer({ annotations: { n: '2' } });
  await send(registry, `DELETE /v2/a/manifests/${first.digest}`);
  expect(digests(await referrers(registry, subject.digest))).toEqual([second.digest]);
  await send(registry, `DELETE /v2/a/manifests/${subject.digest}`);
  expect(digests(await referrers(registry, subject.digest))).toEqual([second.digest]);
  await refer({ annotations: { n: '1' } });
  expect(digests(await referrers(registry, subject.digest))).toHaveLength(2);
});

test('end-12a: other repositories have their own', async () => {
  const { registry, subject } = await withSubject();
  await pushImage(registry, { name: 'b', fields: { subject: subject.descriptor } });
  expect((await referrers(registry, subject.digest)).manifests).toEqual([]);
});

test('end-12a: HEAD answers as GET', async () => {
  const { registry, subject, refer } = await withSubject();
  await refer({});
  const head = await send(registry, `HEAD /v2/a/referrers/${subject.digest}`);
  const { answer } = await referrers(registry, subject.digest);
  expect(head.headers['content-length']).toBe(answer.headers['content-length']);
  expect(head.headers['content-type']).toBe(OCI_IMAGE_INDEX);
});

test('end-12b: artifactType filters, and OCI-Filters-Applied says so', async () => {
  const { registry, subject, refer } = await withSubject();
  const sbom = await refer({ artifactType: 'application/vnd.example.sbom+json' });
  const plain = await refer({ annotations: { plain: 'yes' } });
  const filtered = await referrers(
    registry,
    subject.digest,
    `?artifactType=${encodeURIComponent('application/vnd.example.sbom+json')}`,
  );
  expect(digests(filtered)).toEqual([sbom.digest]);
  expect(filtered.answer.headers['oci-filters-applied']).toBe('artifactType');
  const byConfig = await referrers(
    registry,
    subject.digest,
    `?artifactType=${OCI_IMAGE_CONFIG}`.replaceAll('+', '%2B'),
  );
  expect(digests(byConfig)).toEqual([plain.digest]);
  const none = await referrers(registry, subject.digest, '?artifactType=text/none');
  expect(none.manifests).toEqual([]);
  expect(none.answer.headers['oci-filters-applied']).toBe('artifactType');
  const all = await referrers(registry, subject.digest);
  expect(all.manifests).toHaveLength(2);
  expect(all.answer.headers['oci-filters-applied']).toBeUndefined();
});

describe('end-12a: pages', () => {
  async function follow(registry: TestRegistry, first: string): Promise<{ pages: number; found: string[] }> {
    const found: string[] = [];
    let next: string | undefined = first;
    let pages = 0;
    while (next !== undefined && pages < 50) {
      const answer: ApiAnswer = await send(registry, `GET ${next}`);
      expect(answer.body.length).toBeLessThan(4 * 1024 * 1024);
      found.push(...digests(answer.json as Index));
      next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
      pages += 1;
    }
    return { pages, found };
  }

  test('a list too large for one manifest is followed through Link', async () => {
    const { registry, subject, refer } = await withSubject();
    const pushed: Digest[] = [];
    for (let n = 0; n < 5; n += 1) {
      pushed.push(
        (await refer({ artifactType: 'text/large', annotations: { n: `${n}`, fill: 'x'.repeat(1_000_000) } }))
          .digest,
      );
    }
    await refer({ artifactType: 'text/small' });
    const all = await follow(registry, `/v2/a/referrers/${subject.digest}`);
    expect(all.pages).toBeGreaterThan(1);
    expect(new Set(all.found).size).toBe(6);
    const large = await follow(registry, `/v2/a/referrers/${subject.digest}?artifactType=text/large`);
    expect(large.found).toEqual(pushed.sort());
  });

  test('n asks for short ones', async () => {
    const { registry, subject, refer } = await withSubject();
    for (let n = 0; n < 5; n += 1) await refer({ annotations: { n: `${n}` } });
    expect((await follow(registry, `/v2/a/referrers/${subject.digest}?n=2`)).pages).toBe(3);
  });
});

describe('end-12a: the fallback tag', () => {
  const index = (manifests: readonly unknown[]) =>
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests });

  test('what a client listed there is listed, once', async () => {
    const { registry, subject, refer } = await withSubject();
    const pushed = await refer({});
    await putManifest(registry, `a/manifests/${fallbackTag(subject.digest)}`, index([pushed.descriptor]));
    expect(digests(await referrers(registry, subject.digest))).toEqual([pushed.digest]);
  });

  test('also when only the tag tells of it, as in what another registry took in', async () => {
    const { registry, subject, refer } = await withSubject();
    const pushed = await refer({});
    await registry.driver.deleteFolder('docker/registry/v2/repositories/a/_manifests/referrers');
    expect((await referrers(registry, subject.digest)).manifests).toEqual([]);
    await putManifest(registry, `a/manifests/${fallbackTag(subject.digest)}`, index([pushed.descriptor]));
    expect(digests(await referrers(registry, subject.digest))).toEqual([pushed.digest]);
    await send(registry, `DELETE /v2/a/manifests/${pushed.digest}`);
    expect((await referrers(registry, subject.digest)).manifests).toEqual([]);
  });

  test('what stands there without naming the subject is no referrer', async () => {
    const { registry, subject } = await withSubject();
    const { descriptor } = await pushImage(registry, {
      name: 'a',
      fields: { annotations: { unrelated: 'yes' } },
    });
    await putManifest(registry, `a/manifests/${fallbackTag(subject.digest)}`, index([descriptor]));
    expect((await referrers(registry, subject.digest)).manifests).toEqual([]);
  });

  test('an image under that tag is no list', async () => {
    const { registry, subject } = await withSubject();
    await pushImage(registry, { name: 'a', reference: fallbackTag(subject.digest) });
    expect((await referrers(registry, subject.digest)).manifests).toEqual([]);
  });

  test('of sha512 is cut to 64 characters', () => {
    const digest = digestOf(EMPTY_CONFIG, 'sha512');
    expect(fallbackTag(digest)).toBe(`sha512-${digest.slice(7, 71)}`);
  });
});
