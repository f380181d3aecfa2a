import { describe, expect, it } from 'vitest';
import { ReceivedBytes } from '../../../src/mirror/upstream/received-bytes.ts';
import { Slabs } from '../../../src/mirror/upstream/slabs.ts';

const KiB = 1024;
const SLAB = 256 * KiB;

function receiving(): { readonly received: ReceivedBytes; readonly slabs: Slabs } {
  const slabs = new Slabs({ size: SLAB, mostSpare: 4 });
  return { received: new ReceivedBytes(slabs), slabs };
}

/** As a connection does: what comes is put into the room that there is. */
function put(received: ReceivedBytes, bytes: string | Buffer): Buffer {
  return received.take(Buffer.from(bytes).copy(received.room()));
}

const textOf = (lent: ReturnType<ReceivedBytes['lend']>): string =>
  Buffer.concat(lent?.chunks ?? []).toString();

describe('what came on a connection', () => {
  it('is lent in the order it came in, without what was left out of it, and once', () => {
    const { received } = receiving();
    expect(received.empty).toBe(true);
    received.add([put(received, 'head|one ').subarray(5)]);
    const [first, second] = [put(received, 'two '), put(received, 'three ')];
    received.add([first, second]);
    received.addCopied([Buffer.from('elsewhere')]);
    expect(received.empty).toBe(false);
    expect(textOf(received.lend())).toBe('one two three elsewhere');
    expect(received.empty).toBe(true);
    expect(received.lend()).toBeUndefined();
  });

  it('goes on in the same memory while there is room for a read, and then in other', () => {
    const { received } = receiving();
    const memory = received.room().buffer;
    expect(received.room().length).toBe(SLAB);
    received.add([put(received, Buffer.alloc(SLAB - 64 * KiB, 'a'))]);
    expect(received.room().buffer === memory).toBe(true);
    expect(received.room().length).toBe(64 * KiB);
    received.add([put(received, 'b')]);
    expect(received.room().buffer === memory).toBe(false);
    expect(received.room().length).toBe(SLAB);
    received.add([put(received, 'c')]);
    const lent = received.lend();
    expect(textOf(lent) === `${'a'.repeat(SLAB - 64 * KiB)}bc`).toBe(true);
  });

  it('is not written over before it was let go of, however much comes meanwhile', () => {
    const { received, slabs } = receiving();
    const memory = received.room().buffer;
    received.add([put(received, Buffer.alloc(SLAB, 'a'))]);
    const lent = received.lend();
    for (let n = 0; n < 8; n++) {
      expect(received.room().buffer === memory).toBe(false);
      received.add([put(received, Buffer.alloc(SLAB, 'b'))]);
      received.lend()?.letGo();
    }
    expect(textOf(lent) === 'a'.repeat(SLAB)).toBe(true);
    lent?.letGo();
    expect(slabs.take().memory.buffer === memory).toBe(true);
  });

  it('keeps its memory until all who were lent some of it have let go', () => {
    const { received, slabs } = receiving();
    const memory = received.room().buffer;
    received.add([put(received, 'one')]);
    const first = received.lend();
    received.add([put(received, 'two')]);
    const second = received.lend();
    received.close();
    first?.letGo();
    first?.letGo();
    expect(slabs.take().memory.buffer === memory).toBe(false);
    expect(textOf(second)).toBe('two');
    second?.letGo();
    expect(slabs.take().memory.buffer === memory).toBe(true);
  });

  it('goes back to its memory when there was nothing in it to be read', () => {
    const { received, slabs } = receiving();
    const memory = received.room().buffer;
    put(received, 'only a head');
    received.add([]);
    received.close();
    expect(slabs.take().memory.buffer === memory).toBe(true);
  });

  it('is enough at half a MiB that nobody read, and not when that was read', () => {
    const { received } = receiving();
    received.addCopied([Buffer.alloc(512 * KiB - 1)]);
    expect(received.full).toBe(false);
    received.add([put(received, 'x')]);
    expect(received.full).toBe(true);
    received.lend()?.letGo();
    expect(received.full).toBe(false);
  });

  it('can still be read when nothing more will come', () => {
    const { received } = receiving();
    received.add([put(received, 'the last of it')]);
    received.close();
    expect(received.empty).toBe(false);
    expect(textOf(received.lend())).toBe('the last of it');
  });

  it('is enough when it is many chunks, however small', () => {
    const { received } = receiving();
    const byte = put(received, 'a');
    received.add(new Array(1_023).fill(byte));
    expect(received.full).toBe(false);
    received.add([byte]);
    expect(received.full).toBe(true);
    received.lend()?.letGo();
    expect(received.full).toBe(false);
  });
});
