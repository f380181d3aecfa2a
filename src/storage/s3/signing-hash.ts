import { hash } from 'node:crypto';

/** Bytes that SHA-256 takes at a time. */
const BLOCK = 64;

type Data = string | ArrayBuffer | ArrayBufferView;

/**
 * SHA-256, or with a secret its HMAC (RFC 2104), as the SDK signs. By the hash in one call: the objects that Node makes
 * for a hash or an HMAC take many times longer than the few hundred bytes of a signature.
 */
export class SigningHash {
  readonly #inner: Uint8Array | undefined;
  readonly #outer: Uint8Array | undefined;
  #chunks: Uint8Array[] = [];

  constructor(secret?: Data) {
    if (secret === undefined) return;
    const given = bytesOf(secret);
    const key = Buffer.alloc(BLOCK);
    key.set(given.byteLength > BLOCK ? sha256(given) : given);
    this.#inner = key.map((byte) => byte ^ 0x36);
    this.#outer = key.map((byte) => byte ^ 0x5c);
  }

  update(data: Data): void {
    this.#chunks.push(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    if (this.#inner === undefined || this.#outer === undefined) return sha256(...this.#chunks);
    return sha256(this.#outer, sha256(this.#inner, ...this.#chunks));
  }

  reset(): void {
    this.#chunks = [];
  }
}

function sha256(...chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  const all = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  return hash('sha256', all, 'buffer');
}

function bytesOf(data: Data): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}
