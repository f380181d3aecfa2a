import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyBuffers } from '../../../src/operations/body-buffers.ts';
import { GatheredChunks } from '../../../src/operations/gathered-chunks.ts';

const MIB = 1024 * 1024;

function takeAll(gathered: GatheredChunks): Buffer {
  const taken: Buffer[] = [];
  for (let chunk = gathered.take(); chunk !== undefined; chunk = gathered.take())
    taken.push(Buffer.from(chunk));
  return Buffer.concat(taken);
}

describe('chunks that are gathered', () => {
  it('come out as they went in, whatever their sizes and however often they are taken', () => {
    const step = fc.oneof(fc.nat(200_000), fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const gathered = new GatheredChunks(new BodyBuffers());
        const added: Buffer[] = [];
        const taken: Buffer[] = [];
        for (const [index, what] of steps.entries()) {
          if (what === 'take') {
            const chunk = gathered.take();
            if (chunk !== undefined) taken.push(Buffer.from(chunk));
          } else {
            const chunk = Buffer.alloc(what, index + 1);
            added.push(chunk);
            gathered.add(chunk);
          }
        }
        taken.push(takeAll(gathered));
        expect(Buffer.concat(taken).equals(Buffer.concat(added))).toBe(true);
        gathered.close();
      }),
      { numRuns: 50 },
    );
  });

  it('are full when a buffer is, and no longer when it was taken', () => {
    const gathered = new GatheredChunks(new BodyBuffers());
    gathered.add(Buffer.alloc(MIB / 2 - 1));
    expect(gathered.full).toBe(false);
    gathered.add(Buffer.alloc(2));
    expect(gathered.full).toBe(true);
    expect(gathered.take()).toHaveLength(MIB / 2);
    expect(gathered.full).toBe(false);
    expect(gathered.take()).toHaveLength(1);
    expect(gathered.take()).toBeUndefined();
  });
});

describe('the buffers of bodies', () => {
  it('get smaller with the number of bodies, so that two for each stay within 16 MiB', () => {
    const buffers = new BodyBuffers();
    const sizes = new Map<number, number>();
    for (let bodies = 1; bodies <= 128; bodies += 1) {
      buffers.enter();
      const buffer = buffers.take();
      sizes.set(bodies, buffer.length);
      buffers.give(buffer);
    }
    expect([1, 16, 17, 32, 64, 128].map((bodies) => sizes.get(bodies))).toEqual(
      [512, 512, 256, 256, 128, 64].map((kibibytes) => kibibytes * 1024),
    );
  });

  it('are used again', () => {
    const buffers = new BodyBuffers();
    buffers.enter();
    const first = buffers.take();
    const second = buffers.take();
    expect(second.buffer).not.toBe(first.buffer);
    buffers.give(first);
    expect(buffers.take().buffer).toBe(first.buffer);
  });
});
