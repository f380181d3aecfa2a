import { type Digest, digestOf } from '../../../src/oci/digest.ts';

/** An image manifest of Docker's schema 1 as old registries have it: signed, its digest that of what was signed. */
export function signedSchema1(name: string): { readonly content: string; readonly digest: Digest } {
  const payload = `{\n   "schemaVersion": 1,\n   "name": ${JSON.stringify(name)},\n   "tag": "old"\n}`;
  const head = payload.slice(0, -2);
  const format = { formatLength: head.length, formatTail: Buffer.from('\n}').toString('base64url') };
  const signed = Buffer.from(JSON.stringify(format)).toString('base64url');
  return {
    content: `${head},\n   "signatures": [{"protected": "${signed}", "signature": "c2ln"}]\n}`,
    digest: digestOf(Buffer.from(payload)),
  };
}
