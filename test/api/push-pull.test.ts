import request from 'supertest';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { createTestRegistry } from '../support/test-registry.ts';

test('a pushed image is pulled byte for byte', async () => {
  const { app } = createTestRegistry();
  const blob = Buffer.from('{}');
  const digest = digestOf(blob);
  const started = await request(app).post('/v2/a/b/blobs/uploads/').expect(202);
  const location = new URL(started.headers.location ?? '');
  const patched = await request(app).patch(location.pathname).send(blob.toString()).expect(202);
  expect(patched.headers.range).toBe('0-1');
  await request(app)
    .put(`${location.pathname}?digest=${encodeURIComponent(digest)}`)
    .expect(201);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 },
      layers: [],
    }),
  );
  await request(app)
    .put('/v2/a/b/manifests/v1')
    .set('Content-Type', 'application/vnd.oci.image.manifest.v1+json')
    .send(manifest.toString())
    .expect(201);
  const pulled = await request(app).get('/v2/a/b/manifests/v1').buffer(true).parse(binary).expect(200);
  expect(pulled.body).toEqual(manifest);
  const got = await request(app).get(`/v2/a/b/blobs/${digest}`).buffer(true).parse(binary).expect(200);
  expect(got.body).toEqual(blob);
  const tags = await request(app).get('/v2/a/b/tags/list').expect(200);
  expect(tags.body).toEqual({ name: 'a/b', tags: ['v1'] });
  const catalog = await request(app).get('/v2/_catalog').expect(200);
  expect(catalog.body).toEqual({ repositories: ['a/b'] });
});

function binary(res: request.Response, done: (error: Error | null, body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  res.on('data', (chunk: Buffer) => chunks.push(chunk));
  res.on('end', () => done(null, Buffer.concat(chunks)));
}
