import { describe, expect, it } from 'vitest';
import { ReceiveMemory } from '../../../src/mirror/upstream/receive-memory.ts';

const KiB = 1024;
const SMALL = 256 * KiB;
const LARGE = 1024 * KiB;

const sizeOf = (memory: ReceiveMemory, last: number): number => memory.take(last).memory.length;

describe('memory to receive into', () => {
  it('is more at a time for a connection whose last read filled what it got', () => {
    const memory = new ReceiveMemory();
    expect(sizeOf(memory, 0)).toBe(SMALL);
    expect(sizeOf(memory, SMALL - 1)).toBe(SMALL);
    expect(sizeOf(memory, SMALL)).toBe(LARGE);
    expect(sizeOf(memory, LARGE)).toBe(LARGE);
  });

  it('is little at a time where others hold all that is large, until one is let go', () => {
    const memory = new ReceiveMemory();
    const held = Array.from({ length: 12 }, () => memory.take(LARGE));
    expect(held.every(({ memory: { length } }) => length === LARGE)).toBe(true);
    expect(sizeOf(memory, LARGE)).toBe(SMALL);
    held[0]?.letGo();
    expect(sizeOf(memory, LARGE)).toBe(LARGE);
    expect(sizeOf(memory, LARGE)).toBe(SMALL);
  });
});
