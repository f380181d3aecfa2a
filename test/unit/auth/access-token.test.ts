import { createHmac, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { issueAccessToken, readAccessToken } from '../../../src/auth/access-token.ts';
import { selfSignedCertificate } from '../../../src/auth/certificate.ts';
import { givenKeys } from '../../../src/auth/key-ring.ts';
import { keySetOf } from '../../../src/auth/key-set.ts';
import { generateSigningKey, parseSigningKey, TokenKeyError } from '../../../src/auth/token-key.ts';

const key = parseSigningKey(generateSigningKey());
const keys = givenKeys(key, []);
const NOW = 1_800_000_000;

const issue = (): string =>
  issueAccessToken(
    keys,
    {
      account: 'alice',
      access: [{ type: 'repository', name: 'alice/app', actions: ['pull'] }],
      refused: [{ name: 'bob/app' }],
    },
    { issuer: 'fairlead', service: 'registry', expiration: 300, now: NOW },
  );

const read = (token: string) => readAccessToken(token, { keys, issuer: 'fairlead' });

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const parse = (text = ''): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString());

function signedBy(privateKey: KeyObject, header: object, claims: object): string {
  const text = `${part(header)}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

describe('an access token', () => {
  test('is what distribution 2.8 and 3.1 read: one audience, whole seconds, a libtrust kid, no x5c', () => {
    const [header, claims] = issue()
      .split('.')
      .map((text) => (text.length > 100 ? parse(text) : text));
    expect(header).toEqual({ alg: 'ES256', typ: 'JWT', kid: key.kid });
    expect(key.kid).toMatch(/^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
    expect(claims).toEqual({
      iss: 'fairlead',
      sub: 'alice',
      aud: 'registry',
      exp: NOW + 300,
      nbf: NOW,
      iat: NOW,
      jti: expect.any(String),
      access: [{ type: 'repository', name: 'alice/app', actions: ['pull'] }],
      refused: [{ name: 'bob/app' }],
    });
  });

  test('is read back', async () => {
    expect(await read(issue())).toMatchObject({ account: 'alice', service: 'registry', kid: key.kid });
  });

  test('is signed by an RSA key with RS256', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rsa = givenKeys(
      parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
      [],
    );
    const token = issueAccessToken(
      rsa,
      { account: undefined, access: [], refused: [] },
      { issuer: 'fairlead', service: 's', expiration: 60, now: NOW },
    );
    expect(parse(token.split('.')[0])).toMatchObject({ alg: 'RS256' });
    expect(await readAccessToken(token, { keys: rsa, issuer: 'fairlead' })).toMatchObject({
      account: undefined,
    });
  });
});

describe('a forged token', () => {
  const claims = parse(issue().split('.')[1]);
  const header = { alg: 'ES256', typ: 'JWT', kid: key.kid };
  const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicPem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const publicDer = key.publicKey.export({ type: 'spki', format: 'der' });

  const hs256 = (secret: string | Buffer): string => {
    const text = `${part({ ...header, alg: 'HS256' })}.${part(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const brought = attacker.publicKey.export({ format: 'jwk' });
  const pem = selfSignedCertificate(
    parseSigningKey(attacker.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    { commonName: 'fairlead' },
  );
  const x5c = [new X509Certificate(pem).raw.toString('base64')];

  test.each([
    ['with alg none', `${part({ ...header, alg: 'none' })}.${part(claims)}.`],
    ['with alg None and a signature', `${part({ ...header, alg: 'None' })}.${part(claims)}.AAAA`],
    ['with a signature cut short', issue().slice(0, -8)],
    ['with HS256 by the public key in PEM', hs256(publicPem)],
    ['with HS256 by the public key in DER', hs256(publicDer)],
    ['by another key with the same kid', signedBy(attacker.privateKey, header, claims)],
    ['by another key without a kid', signedBy(attacker.privateKey, { alg: 'ES256', typ: 'JWT' }, claims)],
    ['with a key brought along', signedBy(attacker.privateKey, { ...header, jwk: brought }, claims)],
    [
      'with a key brought along and no kid',
      signedBy(attacker.privateKey, { alg: 'ES256', jwk: { ...brought, kid: key.kid } }, claims),
    ],
    [
      'with a place to fetch a key',
      signedBy(attacker.privateKey, { ...header, jku: 'http://127.0.0.1/' }, claims),
    ],
    ['with a certificate brought along', signedBy(attacker.privateKey, { ...header, x5c }, claims)],
    [
      'with a kid that is a path',
      signedBy(attacker.privateKey, { ...header, kid: '../../dev/null' }, claims),
    ],
    ['of another issuer', signedBy(key.privateKey, header, { ...claims, iss: 'other' })],
    ['with access that is no list', signedBy(key.privateKey, header, { ...claims, access: 'all' })],
    ['with a fractional end', signedBy(key.privateKey, header, { ...claims, exp: NOW + 0.5 })],
    ['with several audiences', signedBy(key.privateKey, header, { ...claims, aud: ['registry', 'other'] })],
    ['with other claims', issue().replace(/\.[^.]+\./, `.${part({ ...claims, sub: 'root' })}.`)],
    ['that is empty', ''],
    ['that is dots', '..'],
    ['that is no JSON', `${Buffer.from('{').toString('base64url')}.e30.AAAA`],
    ['that is a number', `${part(5)}.${part(5)}.AAAA`],
    ['of a megabyte', 'a'.repeat(1 << 20)],
  ])('%s is refused', async (_, token) => {
    expect(await read(token)).toBeUndefined();
  });

  test('is not what the same hand makes with the right key', async () => {
    expect(await read(signedBy(key.privateKey, header, claims))).toBeDefined();
  });
});

describe('a token key', () => {
  test.each([
    ['of RSA with 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey],
    ['on P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['of Ed25519', generateKeyPairSync('ed25519').privateKey],
  ])('%s is refused', (_, privateKey) => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => parseSigningKey(pem)).toThrow(TokenKeyError);
  });

  test('is in the key set without its private part', () => {
    const { keys: set } = keySetOf([key]);
    expect(set).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: key.kid,
        alg: 'ES256',
        use: 'sig',
      },
    ]);
  });

  test.each([
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ])('%s is in a certificate that verifies by itself', (_, privateKey) => {
    const signing = parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const certificate = new X509Certificate(selfSignedCertificate(signing, { commonName: 'fairlead' }));
    expect(certificate.verify(signing.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toBe('CN=fairlead');
    expect(certificate.publicKey.equals(signing.publicKey)).toBe(true);
    expect(certificate.validToDate.getUTCFullYear()).toBe(2119);
  });
});
