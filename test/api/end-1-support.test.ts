import { expect, test } from 'vitest';
import { send } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

test.each(['/v2/', '/v2'])('end-1: %s answers 200 and says which API this is', async (path) => {
  const answer = await send(createTestRegistry(), `GET ${path}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.json).toEqual({});
});

test('end-1: HEAD answers as GET would', async () => {
  const answer = await send(createTestRegistry(), 'HEAD /v2/');
  expect(answer.status).toBe(200);
  expect(answer.headers['content-length']).toBe('2');
});

test('end-1: every answer has a request id', async () => {
  const registry = createTestRegistry();
  const first = await send(registry, 'GET /v2/');
  const second = await send(registry, 'GET /v2/none/tags/list');
  expect(first.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
});
