import { createHash, createHmac, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { SigningHash } from '../../../../src/storage/s3/signing-hash.ts';

const texts = ['', 'a', 'x'.repeat(63), 'x'.repeat(64), 'ü'.repeat(5_000)];

it.each(texts)('is SHA-256 (case %#)', async (text) => {
  const hash = new SigningHash();
  hash.update(text);
  hash.update(Buffer.from('and more'));
  expect(Buffer.from(await hash.digest())).toEqual(createHash('sha256').update(`${text}and more`).digest());
});

it.each([0, 1, 31, 32, 63, 64, 65, 200])('is its HMAC with a secret of %i bytes', async (length) => {
  const secret = randomBytes(length);
  for (const text of texts) {
    const hash = new SigningHash(secret);
    hash.update('dropped');
    hash.reset();
    hash.update(text);
    expect(Buffer.from(await hash.digest())).toEqual(createHmac('sha256', secret).update(text).digest());
  }
});
