import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReaderWake } from '../../../src/mirror/upstream/reader-wake.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A reader who counts how often it was woken. */
function reading(wake: ReaderWake): { readonly times: number } {
  const reader = { times: 0 };
  const wait = (): void =>
    void wake.wait().then(() => {
      reader.times++;
      wait();
    });
  wait();
  return reader;
}

describe('a reader who waits for what arrives', () => {
  it('is woken for the first of it at once, and for the little that follows with what comes meanwhile', async () => {
    const wake = new ReaderWake();
    const reader = reading(wake);
    wake.wakeSoon();
    await vi.advanceTimersByTimeAsync(0);
    expect(reader.times).toBe(1);
    for (let n = 0; n < 7; n++) {
      wake.wakeSoon();
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(reader.times).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(reader.times).toBe(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(reader.times).toBe(2);
  });

  it('is woken at once by what comes slowly', async () => {
    const wake = new ReaderWake();
    const reader = reading(wake);
    for (let n = 1; n <= 3; n++) {
      wake.wakeSoon();
      await vi.advanceTimersByTimeAsync(0);
      expect(reader.times).toBe(n);
      await vi.advanceTimersByTimeAsync(8);
    }
  });

  it('is woken at once by what cannot wait, and not again for what it was to be woken for', async () => {
    const wake = new ReaderWake();
    const reader = reading(wake);
    wake.wakeSoon();
    wake.wakeSoon();
    wake.wakeNow();
    await vi.advanceTimersByTimeAsync(0);
    expect(reader.times).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(reader.times).toBe(1);
  });
});
