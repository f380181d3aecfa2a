import { describe, expect, it } from 'vitest';
import type { FillMedium } from '../../../src/mirror/fill/fill-medium.ts';
import { GrowingBlob, type GrowingBlobParts } from '../../../src/mirror/fill/growing-blob.ts';
import { readBackSlabs } from '../../../src/mirror/fill/read-back.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { inlineHashers } from '../../../src/storage/hashing/inline-hashers.ts';

const CONTENT = Buffer.from('a blob of few bytes');

function growing(medium: Partial<FillMedium>, parts: Partial<GrowingBlobParts> = {}): GrowingBlob {
  return new GrowingBlob({
    digest: digestOf(CONTENT),
    size: CONTENT.length,
    medium: {
      anyOrder: true,
      write: async () => {},
      read: async () => 0,
      commit: async () => {},
      drop: async () => {},
      close: async () => {},
      ...medium,
    },
    hashers: inlineHashers,
    sharers: () => 1,
    slabs: readBackSlabs(),
    closed: () => {},
    openCommitted: async () =>
      (async function* () {
        yield CONTENT;
      })(),
    ...parts,
  });
}

function land(blob: GrowingBlob, start: number, end: number): Promise<void> {
  return blob.land({ chunks: [CONTENT.subarray(start, end)], letGo: () => {} }, start);
}

describe('a growing blob', () => {
  it('is not whole when a write failed, though its digest was right in memory', async () => {
    const full = new Error('the disk was full for a moment');
    let writes = 0;
    const blob = growing({
      write: async () => {
        if (++writes === 1) throw full;
      },
    });
    await expect(land(blob, 0, 5)).rejects.toBe(full);
    await land(blob, 5, CONTENT.length).catch(() => {});
    await expect(blob.prove()).resolves.toBe(true);
    await expect(blob.written()).rejects.toBe(full);
    expect(writes).toBe(1);
  });

  it('is not whole before everything is written', async () => {
    const writes: (() => void)[] = [];
    const blob = growing({ write: () => new Promise((resolve) => void writes.push(resolve)) });
    const landing = land(blob, 0, CONTENT.length);
    await expect(blob.prove()).resolves.toBe(true);
    const order: string[] = [];
    const written = blob.written().then(() => order.push('whole'));
    await new Promise(setImmediate);
    order.push('written');
    for (const done of writes) done();
    await Promise.all([written, landing]);
    expect(order).toEqual(['written', 'whole']);
  });

  it('keeps nothing in memory for who reads slowly, once it is committed', async () => {
    const free: string[] = [];
    const read: FillMedium['read'] = async (into, offset) =>
      CONTENT.copy(into, 0, offset, offset + into.byteLength);
    const blob = growing({ read }, { closed: () => free.push('medium') });
    await blob.land({ chunks: [CONTENT.subarray(0, 5)], letGo: () => free.push('first') }, 0);
    await blob.land({ chunks: [CONTENT.subarray(5)], letGo: () => free.push('second') }, 5);
    await blob.prove();
    const reader = blob.read({ start: 0, end: CONTENT.length - 1 }, new AbortController().signal);
    const got = [(await reader.next()).value];
    expect(free).toEqual([]);
    blob.committed();
    expect(free).toEqual(['second']);
    for await (const chunk of reader) got.push(chunk);
    expect(free).toEqual(['second', 'first', 'medium']);
    expect(Buffer.concat(got.filter((chunk) => chunk !== undefined)).equals(CONTENT)).toBe(true);
  });

  it('copies what comes in many small chunks into one, and keeps none of them', async () => {
    const written: Buffer[] = [];
    const blob = growing({ write: async (chunks) => void written.push(...chunks) });
    const chunks = Array.from(CONTENT, (_, at) => CONTENT.subarray(at, at + 1));
    let free = 0;
    const landing = blob.land({ chunks, letGo: () => free++ }, 0);
    expect(free).toBe(1);
    await Promise.all([landing, blob.prove().then((proven) => expect(proven).toBe(true))]);
    expect(written).toEqual([CONTENT]);
  });

  it('lets a reader go who waits for it to be stored', async () => {
    const [half, size] = [Buffer.alloc(256 * 1024), 1024 * 1024];
    const blob = growing({ anyOrder: false }, { size, sharers: () => 1_000 });
    for (const start of [0, half.length]) await blob.land({ chunks: [half], letGo: () => {} }, start);
    const abort = new AbortController();
    const read = blob.read({ start: 0, end: size - 1 }, abort.signal).next();
    abort.abort(new Error('has left'));
    await expect(read).rejects.toThrow('has left');
  });

  it('is read from the storage once its medium is closed', async () => {
    const read = async (): Promise<number> => {
      throw new Error('a descriptor that is another file’s by now');
    };
    const blob = growing({ read });
    await land(blob, 0, CONTENT.length);
    await blob.prove();
    blob.committed();
    const got: Uint8Array[] = [];
    for await (const chunk of blob.read({ start: 0, end: CONTENT.length - 1 }, new AbortController().signal))
      got.push(chunk);
    expect(Buffer.concat(got).equals(CONTENT)).toBe(true);
  });
});
