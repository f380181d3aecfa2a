import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { EMPTY_CONFIG, pushImage, sendTarget } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const digest = digestOf(EMPTY_CONFIG);

/** What may stand in a request target without an HTTP client refusing it. */
const targetText = fc.string({
  unit: fc.constantFrom(
    ...Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).filter((c) => c !== '#'),
  ),
  maxLength: 30,
});

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'a/b',
    'v1',
    'tags',
    'list',
    'manifests',
    'blobs',
    'uploads',
    'referrers',
    '_catalog',
    '..',
    '.',
    '',
    '%2e%2e',
    '%2f',
    '%00',
    '%ff',
    digest,
    `sha512:${'0'.repeat(128)}`,
    'sha256:x',
    '00000000-0000-4000-8000-000000000000',
  ),
  targetText.map((text) => text.replaceAll('?', '')),
);

const query = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'n',
        'last',
        'digest',
        'mount',
        'from',
        'tag',
        'ns',
        'artifactType',
        'digest-algorithm',
        '__proto__',
        'x',
      ),
      fc.oneof(
        fc.constantFrom('', '0', '-1', 'a/b', digest, 'sha512', '%00', '%0d%0a', '%ff%fe', '%zz', '..'),
        targetText,
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));

const headerValue = fc.oneof(
  fc.constantFrom(
    'bytes=0-1',
    'bytes=-1',
    'bytes=9-1',
    '0-1',
    '1-0',
    '*',
    `"${digest}"`,
    'W/"x"',
    'application/json',
    'a/b; c=d',
    '',
  ),
  fc.string({
    unit: fc.constantFrom(...Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n))),
    maxLength: 20,
  }),
);
const headerName = fc.constantFrom(
  'range',
  'content-range',
  'if-range',
  'if-none-match',
  'content-type',
  'accept',
  'forwarded',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-prefix',
  'x-forwarded-port',
  'authorization',
);

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND');

test('no method, path, query, header or body ends in a 5xx, and every 4xx below /v2/ is JSON', {
  timeout: 120_000,
}, async () => {
  const registry = createTestRegistry({ settings: { idleBody: 1000 } });
  await pushImage(registry, { name: 'a/b', reference: 'v1' });
  const request = fc.record({
    method,
    path: fc.array(piece, { maxLength: 5 }).map((pieces) => `/v2/${pieces.join('/')}`),
    query,
    headers: fc.dictionary(headerName, headerValue, { maxKeys: 3 }),
    body: fc.option(
      fc.oneof(fc.constantFrom('{}', '[]', '{"schemaVersion":2}'), fc.string({ maxLength: 20 })),
      { nil: undefined },
    ),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ query, path, body, ...rest }) => {
      const target = query === '' ? path : `${path}?${query}`;
      const answer = await sendTarget(registry, { ...rest, target, ...(body === undefined ? {} : { body }) });
      expect(answer.status).toBeLessThan(500);
      if (answer.status >= 400 && rest.method !== 'HEAD') expect(answer.codes).toHaveLength(1);
    }),
    { numRuns: 600, endOnFailure: true },
  );
  expect(registry.log.filter(({ level }) => level === 'error')).toEqual([]);
});
