import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyBuffers } from '../../../src/operations/body-buffers.ts';
import { GatheredChunks } from '../../../src/operations/gathered-chunks.ts';

const SIZE = 128 * 1024;
const COUNT = 128;

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
    gathered.add(Buffer.alloc(SIZE - 1));
    expect(gathered.full).toBe(false);
    gathered.add(Buffer.alloc(2));
    expect(gathered.full).toBe(true);
    expect(gathered.take()).toHaveLength(SIZE);
    expect(gathered.full).toBe(false);
    expect(gathered.take()).toHaveLength(1);
    expect(gathered.take()).toBeUndefined();
  });

  it('wait as they came while others have all the buffers, and need none to go on', () => {
    const buffers = new BodyBuffers();
    const taken: Buffer[] = [];
    for (let buffer = buffers.take(); buffer !== undefined; buffer = buffers.take()) taken.push(buffer);
    const gathered = new GatheredChunks(buffers);
    gathered.add(Buffer.from('one'));
    expect(gathered.full).toBe(true);
    gathered.add(Buffer.from('two'));
    expect(gathered.take()?.toString()).toBe('one');
    for (const buffer of taken) buffers.give(buffer);
    gathered.add(Buffer.from('three'));
    expect(takeAll(gathered).toString()).toBe('twothree');
  });
});

describe('the buffers of bodies', () => {
  it('are used again, and 16 MiB in all', () => {
    const buffers = new BodyBuffers();
    const gathered = Array.from({ length: COUNT }, () => new GatheredChunks(buffers));
    for (const one of gathered) one.add(Buffer.from('x'));
    expect(buffers.take()).toBeUndefined();
    gathered[0]?.take();
    expect(buffers.take()).toBeUndefined();
    gathered[0]?.take();
    expect(buffers.take()).toHaveLength(SIZE);
    for (const one of gathered.slice(1)) one.close();
    expect(Array.from({ length: COUNT }, () => buffers.take()).filter(Boolean)).toHaveLength(COUNT - 1);
  });
});
