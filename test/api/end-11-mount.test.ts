import { expect, test } from 'vitest';
import type { Authorizer } from '../../src/oci/access.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { MemoryTree } from '../../src/storage/inmemory/memory-tree.ts';
import { locationOf, pushBlob, send } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const content = Buffer.from('a shared layer');
const digest = digestOf(content);

/** Everybody may do all but read what begins with `secret/`. */
const withSecrets: Authorizer = {
  anonymous: undefined,
  authorize: async () => ({
    account: undefined,
    allows: ({ resolved }) => !resolved.startsWith('secret/'),
    sees: ({ resolved }) => !resolved.startsWith('secret/'),
    decided: () => true,
  }),
};

test.each(['sha256', 'sha512'] as const)(
  'end-11: a mount of a %s blob from a repository is 201',
  async (algorithm) => {
    const registry = createTestRegistry();
    const mounted = await pushBlob(registry, { name: 'team/base', content, algorithm });
    const query = `mount=${encodeURIComponent(mounted)}&from=${encodeURIComponent('team/base')}`;
    const answer = await send(registry, `POST /v2/team/app/blobs/uploads/?${query}`);
    expect(answer.status).toBe(201);
    expect(answer.headers['docker-content-digest']).toBe(mounted);
    expect(locationOf(answer)).toBe(`/v2/team/app/blobs/${mounted}`);
    expect((await send(registry, `GET ${locationOf(answer)}`)).body.equals(content)).toBe(true);
    expect(registry.audit.at(-1)).toMatchObject({
      audit: 'push',
      repository: 'team/app',
      reference: mounted,
    });
  },
);

test.each(['', '&from='])(
  'end-11: a mount without a source (%j) finds the blob wherever it is',
  async (from) => {
    const registry = createTestRegistry();
    await pushBlob(registry, { name: 'team/base', content });
    const answer = await send(registry, `POST /v2/team/app/blobs/uploads/?mount=${digest}${from}`);
    expect(answer.status).toBe(201);
    expect((await send(registry, `HEAD /v2/team/app/blobs/${digest}`)).status).toBe(200);
  },
);

test('end-11: a mount that is here already is 201', async () => {
  const registry = createTestRegistry();
  await pushBlob(registry, { name: 'team/app', content });
  expect((await send(registry, `POST /v2/team/app/blobs/uploads/?mount=${digest}&from=none`)).status).toBe(
    201,
  );
});

test('end-11: a mount of what another server has just deleted is no success', async () => {
  const tree = new MemoryTree();
  const here = createTestRegistry({ driver: createInMemoryDriver({ tree }) });
  const there = createTestRegistry({ driver: createInMemoryDriver({ tree }) });
  await pushBlob(here, { name: 'team/app', content });
  expect((await send(there, `DELETE /v2/team/app/blobs/${digest}`)).status).toBe(202);
  const answer = await send(here, `POST /v2/team/app/blobs/uploads/?mount=${digest}&from=none`);
  expect(answer.status).toBe(202);
});

test('end-11: what cannot be mounted starts a session', async () => {
  const registry = createTestRegistry();
  await pushBlob(registry, { name: 'team/base', content });
  const other = digestOf(Buffer.from('other'));
  for (const query of [`mount=${other}&from=team/base`, `mount=${digest}&from=none`, `mount=${other}`]) {
    const answer = await send(registry, `POST /v2/team/app/blobs/uploads/?${query}`);
    expect(answer.status, query).toBe(202);
    expect(locationOf(answer)).toMatch(/^\/v2\/team\/app\/blobs\/uploads\//);
  }
});

test('end-11: a repository that the caller may not read is no source, named or not', async () => {
  const registry = createTestRegistry({ authorizer: withSecrets });
  await pushBlob(registry, { name: 'secret/base', content });
  for (const query of [`mount=${digest}&from=secret/base`, `mount=${digest}`]) {
    expect((await send(registry, `POST /v2/team/app/blobs/uploads/?${query}`)).status).toBe(202);
  }
  expect((await send(registry, `HEAD /v2/team/app/blobs/${digest}`)).status).toBe(404);
});

test.each([
  ['DIGEST_INVALID', 'mount=sha256:abc&from=team/base'],
  ['DIGEST_INVALID', 'mount=&from=team/base'],
  ['NAME_INVALID', `mount=${digest}&from=../../etc`],
  ['NAME_INVALID', `mount=${digest}&from=UPPER`],
])('end-11: %s for %s', async (code, query) => {
  const answer = await send(createTestRegistry(), `POST /v2/team/app/blobs/uploads/?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.codes).toEqual([code]);
});

test('end-11: the source outlives a delete in the repository it was mounted from', async () => {
  const registry = createTestRegistry();
  await pushBlob(registry, { name: 'team/base', content });
  await send(registry, `POST /v2/team/app/blobs/uploads/?mount=${digest}&from=team/base`);
  expect((await send(registry, `DELETE /v2/team/base/blobs/${digest}`)).status).toBe(202);
  expect((await send(registry, `GET /v2/team/app/blobs/${digest}`)).status).toBe(200);
  expect((await send(registry, `GET /v2/team/base/blobs/${digest}`)).status).toBe(404);
});

test('end-11: a POST with "from" but nothing to mount needs no access to it', async () => {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    anonymous: undefined,
    authorize: async (_, needs) => {
      asked.push(...needs.map(({ resolved }) => resolved));
      return { account: undefined, allows: () => false, sees: () => false, decided: () => false };
    },
  };
  const registry = createTestRegistry({ authorizer });
  expect((await send(registry, 'POST /v2/team/app/blobs/uploads/?from=secret/base')).status).toBe(202);
  expect(asked).toEqual(['team/app']);
});
