import { LRUCache } from 'lru-cache';

/** A token and when it ends. */
export interface Token {
  readonly text: string;
  /** Milliseconds since the epoch from which it is not used any more: shortly before its end. */
  readonly until: number;
}

/** What a Bearer challenge asks a token for. */
export interface TokenDemand {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scope: string | undefined;
  /** The account whose credentials go along; undefined: anonymous. */
  readonly account: string | undefined;
  /** The one who asks for it is on the public Internet: the realm has to be too. */
  readonly publicOnly?: boolean;
}

/** Characters of all tokens that are remembered, with what they are for: servers decide how long theirs are. */
const MOST_REMEMBERED = 8 * 1024 * 1024;
/** Characters of one: it stands in a header, of which servers take 8 to 64 KiB. */
const LONGEST_TOKEN = 32 * 1024;
/** Seconds: what a token without, or with less, holds for (the token specification). */
const SHORTEST = 60;

/** Tokens by account and scope, fetched once however many ask. */
export class TokenCache {
  readonly #fetch: (demand: TokenDemand) => Promise<Token>;
  readonly #now: () => number;
  readonly #tokens = new LRUCache<string, Token>({
    max: 2_000,
    maxSize: MOST_REMEMBERED,
    sizeCalculation: ({ text }, key) => text.length + key.length,
  });
  readonly #fetching = new Map<string, Promise<Token>>();

  constructor(fetch: (demand: TokenDemand) => Promise<Token>, now: () => number) {
    this.#fetch = fetch;
    this.#now = now;
  }

  async get(demand: TokenDemand): Promise<string> {
    const key = keyOf(demand);
    const known = this.#tokens.get(key);
    if (known !== undefined && this.#now() < known.until) return known.text;
    const underWay = this.#fetching.get(key);
    if (underWay !== undefined) return (await underWay).text;
    const fetching = this.#fetch(demand);
    this.#fetching.set(key, fetching);
    try {
      const token = await fetching;
      this.#tokens.set(key, token);
      return token.text;
    } finally {
      this.#fetching.delete(key);
    }
  }

  /** Forgets a token that was refused, unless a newer one is there. */
  refused(demand: TokenDemand, text: string): void {
    const key = keyOf(demand);
    if (this.#tokens.peek(key)?.text === text) this.#tokens.delete(key);
  }
}

function keyOf({ realm, service, scope, account, publicOnly }: TokenDemand): string {
  return JSON.stringify([realm.href, service, scope, account, publicOnly]);
}

/** The realm with the demand's parameters; a query of its own stays. */
export function tokenUrl({ realm, service, scope, account }: TokenDemand): URL {
  const url = new URL(realm);
  url.hash = '';
  if (service !== undefined) url.searchParams.set('service', service);
  if (scope !== undefined) for (const one of scope.split(' ')) url.searchParams.append('scope', one);
  if (account !== undefined) url.searchParams.set('account', account);
  return url;
}

/**
 * Reads a token server's answer, `{"token"|"access_token", "expires_in"?}`; times count from now, since the
 * server's clock may be wrong.
 * @returns undefined when there is no token in it
 */
export function parseTokenAnswer(body: Uint8Array, now: number): Token | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof answer !== 'object' || answer === null) return undefined;
  const token = 'token' in answer && answer.token !== '' ? answer.token : undefined;
  const text = token ?? ('access_token' in answer ? answer.access_token : undefined);
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text) || text.length > LONGEST_TOKEN)
    return undefined;
  const said = 'expires_in' in answer ? answer.expires_in : undefined;
  const lifetime = Math.max(typeof said === 'number' && Number.isFinite(said) ? said : SHORTEST, SHORTEST);
  const margin = Math.min(Math.max(lifetime * 0.1, 5), 60);
  return { text, until: now + (lifetime - margin) * 1000 };
}
