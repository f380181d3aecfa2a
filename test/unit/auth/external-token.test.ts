import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readExternalToken } from '../../../src/auth/external-token.ts';
import { readGivenKeys } from '../../../src/auth/given-key-files.ts';
import { libtrustFingerprint } from '../../../src/auth/libtrust-fingerprint.ts';
import { distributionThumbprint, readTrust, type Trust } from '../../../src/auth/trusted-keys.ts';
import { SIGNING_ALGORITHMS } from '../../../src/config/types/auth.ts';
import {
  BELOW_CERTIFICATE,
  BELOW_KEY,
  LEAF_CERTIFICATE,
  LEAF_KEY,
  MIDDLE_CERTIFICATE,
  ROOT_CERTIFICATE,
} from '../../support/certificate-fixtures.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const seconds = NOW / 1000;
const claims = {
  iss: 'issuer',
  sub: 'alice',
  aud: 'service',
  exp: seconds + 60,
  nbf: seconds,
  access: [{ type: 'repository', name: 'a', actions: ['pull'] }],
};

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const edwards = generateKeyPairSync('ed25519');
const leafKey = createPrivateKey(LEAF_KEY);
const rootPublic = new X509Certificate(ROOT_CERTIFICATE).publicKey;
const der = (pem: string): string => new X509Certificate(pem).raw.toString('base64');

let folder: string;
let trust: Trust;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-trust-'));
  const rootCertBundle = join(folder, 'root.pem');
  const jwks = join(folder, 'jwks.json');
  await writeFile(rootCertBundle, `some text\n${ROOT_CERTIFICATE}${LEAF_CERTIFICATE}`);
  const keys = [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa' },
    { ...edwards.publicKey.export({ format: 'jwk' }), kid: 'edwards' },
    { kty: 'oct', k: 'AAAA', kid: 'shared' },
  ];
  await writeFile(jwks, JSON.stringify({ keys }));
  trust = await readTrust({ rootCertBundle, jwks });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Signing {
  readonly header: object;
  readonly key: KeyObject;
  readonly claims?: object;
}

function token({ header, key, claims: own = {} }: Signing): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part({ ...claims, ...own })}`;
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = sign(algorithm, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

function accepts(signing: Signing, algorithms: readonly string[] = SIGNING_ALGORITHMS): boolean {
  const options = { trust, issuer: 'issuer', service: 'service', algorithms, now: NOW };
  return readExternalToken(token(signing), options) !== undefined;
}

const byRsa: Signing = { header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey };

describe('a token of an external service', () => {
  test('is accepted by the ids of a key set, of certificates, and of registry:2', () => {
    const leaf = new X509Certificate(LEAF_CERTIFICATE).publicKey;
    for (const kid of [distributionThumbprint(leaf), libtrustFingerprint(leaf)]) {
      expect(accepts({ header: { alg: 'ES256', kid }, key: leafKey })).toBe(true);
    }
    expect(accepts(byRsa)).toBe(true);
    const kid = libtrustFingerprint(rsa.publicKey);
    expect(accepts({ header: { alg: 'RS256', kid }, key: rsa.privateKey })).toBe(true);
    expect(accepts({ header: { alg: 'EdDSA', kid: 'edwards' }, key: edwards.privateKey })).toBe(true);
    expect(accepts({ header: { alg: 'RS256', jwk: { kid: 'rsa' } }, key: rsa.privateKey })).toBe(true);
  });

  test('is accepted by a chain that leads to a root', () => {
    const x5c = [der(LEAF_CERTIFICATE), der(MIDDLE_CERTIFICATE)];
    expect(accepts({ header: { alg: 'ES256', x5c }, key: leafKey })).toBe(true);
    expect(accepts({ header: { alg: 'ES256', jwk: { x5c } }, key: leafKey })).toBe(true);
  });

  test('is refused with a chain through who is no authority, a broken one, or none', () => {
    const below = createPrivateKey(BELOW_KEY);
    const through = [der(BELOW_CERTIFICATE), der(LEAF_CERTIFICATE), der(MIDDLE_CERTIFICATE)];
    for (const x5c of [
      through,
      [der(BELOW_CERTIFICATE)],
      [],
      ['AAAA'],
      'AAAA',
      [5],
      Array(50).fill(through[0]),
    ]) {
      expect(accepts({ header: { alg: 'ES256', x5c }, key: below })).toBe(false);
    }
    const stolen = { header: { alg: 'ES256', x5c: [der(ROOT_CERTIFICATE)] }, key: below };
    expect(accepts(stolen)).toBe(false);
    expect(rootPublic.asymmetricKeyType).toBe('ec');
  });

  test('is refused when its key is another than the one it names', () => {
    const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(accepts({ ...byRsa, key: foreign.privateKey })).toBe(false);
    const jwk = foreign.publicKey.export({ format: 'jwk' });
    expect(accepts({ header: { alg: 'RS256', jwk }, key: foreign.privateKey })).toBe(false);
    expect(accepts({ header: { alg: 'RS256', jwk: { ...jwk, kid: 'rsa' } }, key: foreign.privateKey })).toBe(
      false,
    );
    for (const kid of ['shared', 'unknown', '', undefined, 5, '__proto__']) {
      expect(accepts({ ...byRsa, header: { alg: 'RS256', kid } })).toBe(false);
    }
  });

  test.each(['none', 'HS256', 'PS256', 'ES256', 'RS512', 'RS9', ''])(
    'is refused with the algorithm %j',
    (alg) => {
      expect(accepts({ ...byRsa, header: { alg, kid: 'rsa' } })).toBe(false);
    },
  );

  test('is refused with an algorithm that was not configured', () => {
    expect(accepts(byRsa, ['RS256'])).toBe(true);
    expect(accepts(byRsa, ['ES256'])).toBe(false);
  });

  test.each([
    ['of another issuer', { iss: 'other' }],
    ['for another audience', { aud: 'other' }],
    ['for several other audiences', { aud: ['other', 'more'] }],
    ['that ended more than a minute ago', { exp: seconds - 61 }],
    ['that never ends', { exp: undefined }],
    ['that begins in more than a minute', { nbf: seconds + 61 }],
    ['with a fractional end', { exp: seconds + 0.5 }],
  ])('is refused %s', (_, own) => {
    expect(accepts({ ...byRsa, claims: own })).toBe(false);
  });

  test.each([
    ['ended a minute ago', { exp: seconds - 60 }],
    ['begins in a minute', { nbf: seconds + 60 }],
    ['is for several audiences', { aud: ['other', 'service'] }],
    ['says nothing of when it begins', { nbf: undefined }],
  ])('is accepted that %s', (_, own) => {
    expect(accepts({ ...byRsa, claims: own })).toBe(true);
  });
});

describe('whom to trust', () => {
  test('must hold a key', async () => {
    const path = join(folder, 'empty');
    await writeFile(path, 'nothing');
    await expect(readTrust({ rootCertBundle: path, jwks: undefined })).rejects.toThrow(/at least one key/);
    await expect(readTrust({ rootCertBundle: undefined, jwks: path })).rejects.toThrow(
      /not a JSON Web Key Set/,
    );
  });

  test('names the key of the configuration whose file cannot be read', async () => {
    const none = join(folder, 'none');
    await expect(readTrust({ rootCertBundle: none, jwks: undefined })).rejects.toThrow(
      'auth.token.rootcertbundle cannot be read',
    );
    await expect(readTrust({ rootCertBundle: undefined, jwks: none })).rejects.toThrow(
      'auth.token.jwks cannot be read',
    );
    await expect(readGivenKeys([none])).rejects.toThrow('auth.builtin.key[0] cannot be read');
  });
});
