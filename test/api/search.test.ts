import request from 'supertest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { basic, createLoginRegistry, HOST, type LoginRegistry } from '../support/login-registry.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

async function putImage({ app }: TestRegistry, name: string, authorization = ''): Promise<void> {
  const headers = { Host: HOST, ...(authorization === '' ? {} : { Authorization: authorization }) };
  const digest = digestOf(Buffer.from('{}'));
  await request(app)
    .post(`/v2/${name}/blobs/uploads/?digest=${digest}`)
    .set({ ...headers, 'Content-Type': 'application/octet-stream' })
    .send(Buffer.from('{}'))
    .expect(201);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
  await request(app)
    .put(`/v2/${name}/manifests/v1`)
    .set({ ...headers, 'Content-Type': mediaType })
    .send(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }))
    .expect(201);
}

const namesIn = ({ body }: request.Response): string[] =>
  body.results.map(({ name }: { name: string }) => name);

describe('search without login', () => {
  test('answers what docker and podman ask', async () => {
    const registry = createTestRegistry();
    for (const name of ['team/app', 'team/other', 'app']) await putImage(registry, name);
    await request(registry.app).get('/v1/_ping').expect(200, { standalone: true });
    const found = await request(registry.app).get('/v1/search?q=APP&n=25').expect(200);
    expect(found.body).toMatchObject({ query: 'APP', num_results: 2 });
    expect(namesIn(found).toSorted()).toEqual(['app', 'team/app']);
    expect(found.body.results[0]).toEqual({
      name: expect.any(String),
      description: '',
      star_count: 0,
      is_official: false,
      is_automated: false,
      is_trusted: false,
    });
    for (const [count, length] of [
      ['1', 1],
      ['0', 3],
      ['x', 3],
      ['1000', 3],
    ] as const) {
      expect(namesIn(await request(registry.app).get(`/v1/search?n=${count}`))).toHaveLength(length);
    }
    await request(registry.app).post('/v1/search').expect(405);
    await request(registry.app).get('/v1/repositories').expect(404);
  });
});

describe('search with the built-in login', () => {
  let login: LoginRegistry;

  beforeEach(async () => {
    login = await createLoginRegistry({
      access: [
        { who: { account: 'root' }, repository: '**', actions: ['*'] },
        { who: { account: 'anonymous' }, repository: 'public/**', actions: ['pull'] },
      ],
    });
    for (const name of ['public/app', 'private/app']) {
      await putImage(login.registry, name, basic('root', 'root-secret'));
    }
  });

  afterEach(() => login[Symbol.asyncDispose]());

  test('is not there for podman, which then takes the catalog', async () => {
    await login.get('/v1/search?q=app').expect(404);
    await login.get('/v1/_ping').expect(200);
  });

  test('names to docker what anybody may pull', async () => {
    expect(namesIn(await login.get('/v1/search?q=app').set('X-Docker-Token', 'true'))).toEqual([
      'public/app',
    ]);
  });

  test('names what the caller may pull, by password or by the token that docker takes', async () => {
    const all = ['private/app', 'public/app'];
    const byPassword = await login.get('/v1/search?q=app', basic('root', 'root-secret')).expect(200);
    expect(namesIn(byPassword).toSorted()).toEqual(all);
    const bearer = await login.bearer(['registry:catalog:search'], ['root', 'root-secret']);
    expect(namesIn(await login.get('/v1/search?q=app', bearer)).toSorted()).toEqual(all);
    expect(namesIn(await login.get('/v1/search?q=app', await login.bearer([])))).toEqual(['public/app']);
    await login.get('/v1/search?q=app', basic('root', 'wrong')).expect(401);
  });
});
