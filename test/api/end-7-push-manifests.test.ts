import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import {
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT_MANIFEST,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from '../../src/oci/media-types.ts';
import {
  EMPTY_CONFIG,
  imageManifest,
  locationOf,
  pushBlob,
  pushImage,
  putManifest,
  send,
} from '../support/api-client.ts';
import { createTestRegistry, TEST_SETTINGS, type TestRegistry } from '../support/test-registry.ts';

const absent = digestOf(Buffer.from('nobody pushed this'));
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

async function withConfig(options: Parameters<typeof createTestRegistry>[0] = {}): Promise<TestRegistry> {
  const registry = createTestRegistry(options);
  await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
  return registry;
}

test('end-7a: PUT by tag answers 201 with Location and digest', async () => {
  const registry = await withConfig();
  const content = imageManifest();
  const answer = await putManifest(registry, 'a/manifests/v1', content);
  expect(answer.status).toBe(201);
  expect(answer.headers['docker-content-digest']).toBe(digestOf(content));
  expect(answer.headers['content-length']).toBe('0');
  expect((await send(registry, `GET ${locationOf(answer)}`)).body.equals(content)).toBe(true);
  expect(registry.audit.at(-1)).toMatchObject({ audit: 'push', repository: 'a', reference: 'v1' });
});

test.each(['sha256', 'sha512'] as const)(
  'end-7a: PUT by its %s digest answers 201 with that digest',
  async (algorithm) => {
    const registry = await withConfig();
    const content = imageManifest();
    const digest = digestOf(content, algorithm);
    const answer = await putManifest(registry, `a/manifests/${digest}`, content);
    expect(answer.status).toBe(201);
    expect(answer.headers['docker-content-digest']).toBe(digest);
    expect((await send(registry, `GET /v2/a/manifests/${digest}`)).headers['docker-content-digest']).toBe(
      digest,
    );
  },
);

test('end-7a: bytes stay as they are: order, white space, unknown fields, escapes', async () => {
  const registry = await withConfig();
  const content = Buffer.from(
    `\n{ "x-unknown" : [1.0, 1e3, "\\u0041\\/ü"],\t"schemaVersion":2 , ${imageManifest().toString().slice(1, -1).replace('"schemaVersion":2,', '')} }\r\n`,
  );
  expect((await putManifest(registry, 'a/manifests/v1', content)).status).toBe(201);
  expect((await send(registry, 'GET /v2/a/manifests/v1')).body.equals(content)).toBe(true);
});

test('end-7a: parameters of Content-Type are ignored', async () => {
  const registry = await withConfig();
  const headers = { 'content-type': `${OCI_IMAGE_MANIFEST}; charset=utf-8` };
  expect((await send(registry, 'PUT /v2/a/manifests/v1', { headers, body: imageManifest() })).status).toBe(
    201,
  );
  expect((await send(registry, 'GET /v2/a/manifests/v1')).headers['content-type']).toBe(OCI_IMAGE_MANIFEST);
});

test('end-7a: a digest that the manifest does not have is 400 DIGEST_INVALID, and nothing is kept', async () => {
  const registry = await withConfig();
  const answer = await putManifest(registry, `a/manifests/${absent}?tag=v1`, imageManifest());
  expect(answer.status).toBe(400);
  expect(answer.codes).toEqual(['DIGEST_INVALID']);
  expect((await send(registry, `HEAD /v2/a/manifests/${absent}`)).status).toBe(404);
  expect((await send(registry, 'HEAD /v2/a/manifests/v1')).status).toBe(404);
});

describe('end-7a: what the manifest names', () => {
  test.each([
    ['a config', { config: { mediaType: 'application/json', digest: absent, size: 2 } }],
    ['a layer', { layers: [{ mediaType: layerType, digest: absent, size: 2 }] }],
  ])('%s that is missing is MANIFEST_BLOB_UNKNOWN with its digest', async (_, fields) => {
    const registry = await withConfig();
    const answer = await putManifest(registry, 'a/manifests/v1', imageManifest(fields));
    expect(answer.status).toBe(404);
    expect(answer.codes).toEqual(['MANIFEST_BLOB_UNKNOWN']);
    expect(answer.json).toMatchObject({ errors: [{ detail: [{ digest: absent }] }] });
    expect((await send(registry, 'GET /v2/a/manifests/v1')).status).toBe(404);
  });

  test('what another repository has is missing here', async () => {
    const registry = await withConfig();
    expect((await putManifest(registry, 'b/manifests/v1', imageManifest())).codes).toEqual([
      'MANIFEST_BLOB_UNKNOWN',
    ]);
  });

  test('a layer with urls may be missing, a subject too', async () => {
    const registry = await withConfig();
    const foreign = { mediaType: layerType, digest: absent, size: 2, urls: ['https://example.com/layer'] };
    const subject = { mediaType: OCI_IMAGE_MANIFEST, digest: absent, size: 2 };
    const answer = await putManifest(
      registry,
      'a/manifests/v1',
      imageManifest({ layers: [foreign], subject }),
    );
    expect(answer.status).toBe(201);
    expect(answer.headers['oci-subject']).toBe(absent);
  });

  test.each([OCI_IMAGE_INDEX, DOCKER_MANIFEST_LIST])('children of a %s must be here', async (mediaType) => {
    const registry = await withConfig();
    const { descriptor } = await pushImage(registry, { name: 'a' });
    const index = (manifests: unknown[]) => JSON.stringify({ schemaVersion: 2, mediaType, manifests });
    const missing = { ...descriptor, digest: absent };
    expect((await putManifest(registry, 'a/manifests/v1', index([descriptor, missing]))).codes).toEqual([
      'MANIFEST_BLOB_UNKNOWN',
    ]);
    expect((await putManifest(registry, 'a/manifests/v1', index([descriptor]))).status).toBe(201);
    expect((await putManifest(registry, 'a/manifests/empty', index([]))).status).toBe(201);
  });

  test('an index may name blobs', async () => {
    const registry = await withConfig();
    const content = Buffer.from('a cache layer');
    const digest = await pushBlob(registry, { name: 'a', content });
    const entry = { mediaType: layerType, digest, size: content.length };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [entry] });
    expect((await putManifest(registry, 'a/manifests/cache', index)).status).toBe(201);
  });

  test('an artifact manifest with blobs is taken', async () => {
    const registry = await withConfig();
    const blobs = [{ mediaType: 'text/plain', digest: digestOf(EMPTY_CONFIG), size: 2 }];
    const artifact = { mediaType: OCI_ARTIFACT_MANIFEST, artifactType: 'text/x', blobs, schemaVersion: 2 };
    expect((await putManifest(registry, 'a/manifests/v1', JSON.stringify(artifact))).status).toBe(201);
  });
});

describe('validation', () => {
  const { manifests: rules } = TEST_SETTINGS;
  const layer = { mediaType: layerType, digest: absent, size: 2 };

  test('disabled: a manifest is taken whatever it names', async () => {
    const registry = createTestRegistry({ settings: { manifests: { ...rules, disabled: true } } });
    expect((await putManifest(registry, 'a/manifests/v1', imageManifest({ layers: [layer] }))).status).toBe(
      201,
    );
  });

  test.each([
    [[/^https:\/\/good\./], [], 'https://good.example/x', 201],
    [[/^https:\/\/good\./], [], 'https://bad.example/x', 400],
    [[], [/bad/], 'https://bad.example/x', 400],
    [[/./], [/bad/], 'https://bad.example/x', 400],
    [[], [], 'https://bad.example/x', 201],
  ])('urls: allow %j, deny %j: %s is %i', async (allow, deny, url, status) => {
    const registry = await withConfig({ settings: { manifests: { ...rules, urls: { allow, deny } } } });
    const answer = await putManifest(
      registry,
      'a/manifests/v1',
      imageManifest({ layers: [{ ...layer, urls: [url] }] }),
    );
    expect(answer.status).toBe(status);
  });

  const platform = (os: string, architecture: string) => ({
    mediaType: OCI_IMAGE_MANIFEST,
    digest: absent,
    size: 2,
    platform: { os, architecture },
  });

  test.each([
    ['none', [], 201],
    ['all', [], 404],
    ['list', [{ os: 'linux', architecture: 'amd64' }], 404],
    ['list', [{ os: 'linux', architecture: 'arm64' }], 201],
  ] as const)(
    'indexes.platforms %s %j: an index with a missing linux/amd64 is %i',
    async (platforms, list, status) => {
      const registry = createTestRegistry({
        settings: { manifests: { ...rules, indexes: { platforms, list } } },
      });
      const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [platform('linux', 'amd64')] };
      expect((await putManifest(registry, 'a/manifests/v1', JSON.stringify(index))).status).toBe(status);
    },
  );
});

test('end-7a: Docker schema 1 is refused with the reason', async () => {
  const registry = await withConfig();
  const old = {
    schemaVersion: 1,
    name: 'a',
    tag: 'v1',
    architecture: 'amd64',
    fsLayers: [],
    history: [],
    signatures: [],
  };
  const headers = { 'content-type': DOCKER_SCHEMA1_SIGNED };
  const answer = await send(registry, 'PUT /v2/a/manifests/v1', { headers, body: JSON.stringify(old) });
  expect(answer.status).toBe(400);
  expect(answer.codes).toEqual(['MANIFEST_INVALID']);
  expect(answer.body.toString()).toContain('schema 1');
});

describe('end-7a: the size', () => {
  const sized = (size: number): Buffer => {
    const bare = imageManifest({ annotations: { fill: '' } }).length;
    return imageManifest({ annotations: { fill: 'x'.repeat(size - bare) } });
  };

  test('4 MiB are taken', async () => {
    const registry = await withConfig();
    const content = sized(4 * 1024 * 1024);
    expect((await putManifest(registry, 'a/manifests/v1', content)).status).toBe(201);
    expect((await send(registry, 'GET /v2/a/manifests/v1')).body.equals(content)).toBe(true);
  });

  test('above the limit it is 413', async () => {
    const registry = await withConfig({ settings: { maxManifestSize: 1000 } });
    expect((await putManifest(registry, 'a/manifests/fits', sized(1000))).status).toBe(201);
    const answer = await putManifest(registry, 'a/manifests/v1', sized(1001));
    expect(answer.status).toBe(413);
    expect(answer.codes).toEqual(['SIZE_INVALID']);
  });
});

describe('end-7b', () => {
  test('every tag parameter is a tag then, and is named in OCI-Tag', async () => {
    const registry = await withConfig();
    const content = imageManifest();
    const digest = digestOf(content);
    const tags = Array.from({ length: 12 }, (_, index) => `v${index}`);
    const query = tags.map((tag) => `tag=${tag}`).join('&');
    const answer = await putManifest(registry, `a/manifests/${digest}?${query}`, content);
    expect(answer.status).toBe(201);
    expect((answer.headers['oci-tag'] ?? '').split(', ')).toEqual(tags);
    for (const tag of tags) {
      const found = await send(registry, `HEAD /v2/a/manifests/${tag}`);
      expect(found.headers['docker-content-digest'], tag).toBe(digest);
    }
  });

  test('a tag of a sha512 manifest answers with the sha512 digest', async () => {
    const registry = await withConfig();
    const digest = digestOf(imageManifest(), 'sha512');
    await putManifest(registry, `a/manifests/${digest}?tag=v1`, imageManifest());
    expect((await send(registry, 'GET /v2/a/manifests/v1')).headers['docker-content-digest']).toBe(digest);
  });

  test('one bad tag is 400, and none is made', async () => {
    const registry = await withConfig();
    const digest = digestOf(imageManifest());
    for (const bad of ['', '-x', '.x', 'a/b', 'x'.repeat(129), '%C3%BC', 'a%00b']) {
      const answer = await putManifest(
        registry,
        `a/manifests/${digest}?tag=good&tag=${bad}`,
        imageManifest(),
      );
      expect(answer.status, bad).toBe(400);
      expect(answer.codes).toEqual(['MANIFEST_INVALID']);
    }
    expect((await send(registry, 'GET /v2/a/tags/list')).status).toBe(404);
  });

  test('more than a hundred tags are 414', async () => {
    const registry = await withConfig();
    const query = Array.from({ length: 101 }, (_, index) => `tag=v${index}`).join('&');
    const answer = await putManifest(
      registry,
      `a/manifests/${digestOf(imageManifest())}?${query}`,
      imageManifest(),
    );
    expect(answer.status).toBe(414);
  });

  test('a tag that is named twice is one', async () => {
    const registry = await withConfig();
    const answer = await putManifest(registry, `a/manifests/v1?tag=v1&tag=v2&tag=v2`, imageManifest());
    expect(answer.headers['oci-tag']).toBe('v1, v2');
    expect((await send(registry, 'GET /v2/a/tags/list')).json).toEqual({ name: 'a', tags: ['v1', 'v2'] });
  });
});

describe('end-7a: bad input', () => {
  const head = '{"schemaVersion":2,';
  const config = `"config":{"mediaType":"application/json","digest":"${digestOf(EMPTY_CONFIG)}","size":2}`;
  test.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['half of it', head],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['no schemaVersion', `{${config},"layers":[]}`],
    ['a schemaVersion that is a string', `{"schemaVersion":"2",${config},"layers":[]}`],
    ['schemaVersion 3', `{"schemaVersion":3,${config},"layers":[]}`],
    ['no config', `${head}"layers":[]}`],
    ['no layers', `${head}${config}}`],
    ['layers that are no list', `${head}${config},"layers":{}}`],
    ['a layer that is a string', `${head}${config},"layers":["x"]}`],
    ['a layer that is null', `${head}${config},"layers":[null]}`],
    ['a layer without digest', `${head}${config},"layers":[{"mediaType":"x/y","size":1}]}`],
    ['a negative size', `${head}${config},"layers":[{"mediaType":"x/y","digest":"${absent}","size":-1}]}`],
    [
      'a size that is a string',
      `${head}${config},"layers":[{"mediaType":"x/y","digest":"${absent}","size":"1"}]}`,
    ],
    [
      'a size with a fraction',
      `${head}${config},"layers":[{"mediaType":"x/y","digest":"${absent}","size":1.5}]}`,
    ],
    ['a name twice', `${head}${config},"layers":[],"layers":[]}`],
    ['a name twice, once escaped', `${head}${config},"layers":[],"l\\u0061yers":[]}`],
    ['image and index at once', `${head}${config},"layers":[],"manifests":[]}`],
    ['a mediaType that is a number', `${head}"mediaType":1,${config},"layers":[]}`],
    ['a mediaType that breaks a header', `${head}"mediaType":"a/b\\r\\nX-Evil: 1",${config},"layers":[]}`],
    ['a mediaType that is none', `${head}"mediaType":"ümlaut/x",${config},"layers":[]}`],
    ['annotations that are no strings', `${head}${config},"layers":[],"annotations":{"a":1}}`],
    ['a subject that is a string', `${head}${config},"layers":[],"subject":"${absent}"}`],
    ['an artifactType that is a number', `${head}${config},"layers":[],"artifactType":1}`],
    ['a byte order mark', `\uFEFF${head}${config},"layers":[]}`],
    ['depth', `${head}${config},"layers":[],"x":${'['.repeat(300_000)}${']'.repeat(300_000)}}`],
    ['depth that never ends', '['.repeat(1_000_000)],
    [
      'a type that contradicts Content-Type',
      `${head}"mediaType":"${OCI_IMAGE_INDEX}","manifests":[]}`,
      OCI_IMAGE_MANIFEST,
    ],
    ['an index under the type of an image', `${head}"manifests":[]}`, OCI_IMAGE_MANIFEST],
  ])('%s is 400 MANIFEST_INVALID', async (_, content, type = 'application/json') => {
    const registry = await withConfig();
    const answer = await send(registry, 'PUT /v2/a/manifests/v1', {
      headers: { 'content-type': type },
      body: content,
    });
    expect(answer.status).toBe(400);
    expect(answer.codes).toEqual(['MANIFEST_INVALID']);
    expect((await send(registry, 'GET /v2/a/manifests/v1')).status).toBe(404);
  });

  test('what is not UTF-8 is 400 MANIFEST_INVALID', async () => {
    const registry = await withConfig();
    const content = Buffer.concat([
      Buffer.from(`${head}"x":"`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(`",${config},"layers":[]}`),
    ]);
    expect((await putManifest(registry, 'a/manifests/v1', content)).codes).toEqual(['MANIFEST_INVALID']);
  });

  test.each(['nonsense', 'md5:d41d8cd98f00b204e9800998ecf8427e', `sha256:${'A'.repeat(64)}`])(
    'a descriptor with the digest %s is 400 DIGEST_INVALID',
    async (digest) => {
      const registry = await withConfig();
      const layers = [{ mediaType: layerType, digest, size: 1 }];
      const answer = await putManifest(registry, 'a/manifests/v1', imageManifest({ layers }));
      expect(answer.status).toBe(400);
      expect(answer.codes).toEqual(['DIGEST_INVALID']);
    },
  );

  test('names of JavaScript objects are names like others', async () => {
    const registry = await withConfig();
    const content = `${head}${config},"layers":[],"__proto__":{"mediaType":"x/y"},"annotations":{"__proto__":"a","constructor":"b"}}`;
    expect((await putManifest(registry, 'a/manifests/v1', content)).status).toBe(201);
    expect((await send(registry, 'GET /v2/a/manifests/v1')).headers['content-type']).toBe(OCI_IMAGE_MANIFEST);
  });
});
