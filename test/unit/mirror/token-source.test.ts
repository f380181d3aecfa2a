import { expect, it } from 'vitest';
import { parseTokenAnswer, TokenCache, type TokenDemand } from '../../../src/mirror/upstream/token-source.ts';

const LONG = 'x'.repeat(32 * 1024);

function demand(scope: string): TokenDemand {
  return { realm: new URL('https://auth.example/token'), service: undefined, scope, account: undefined };
}

it('a token that no header could hold is none', () => {
  expect(parseTokenAnswer(Buffer.from(JSON.stringify({ token: LONG })), 0)?.text).toBe(LONG);
  expect(parseTokenAnswer(Buffer.from(JSON.stringify({ token: `${LONG}x` })), 0)).toBeUndefined();
});

it('tokens are remembered up to a size, however many scopes are asked for', async () => {
  let fetched = 0;
  const cache = new TokenCache(
    async () => {
      fetched++;
      return { text: LONG, until: 1 };
    },
    () => 0,
  );
  for (let scope = 0; scope < 1_000; scope++) await cache.get(demand(`${scope}`));
  await cache.get(demand('999'));
  expect(fetched).toBe(1_000);
  await cache.get(demand('0'));
  expect(fetched).toBe(1_001);
});
