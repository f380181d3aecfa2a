import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { stopOnSignals } from '../../../src/operations/signals.ts';

function running(stop: () => Promise<void>) {
  const source = new EventEmitter();
  const codes: number[] = [];
  const clock = { time: 0 };
  const remove = stopOnSignals(source, {
    stop,
    exit: (code) => void codes.push(code),
    now: () => clock.time,
  });
  return { source, codes, clock, remove };
}

const never = () => new Promise<void>(() => {});

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT'])('%s stops, and the end is 0 when everything closed', async (signal) => {
    const { source, codes } = running(async () => {});
    source.emit(signal, signal);
    await expect.poll(() => codes).toEqual([0]);
  });

  it('ends with 1 when closing fails', async () => {
    const { source, codes } = running(() => Promise.reject(new Error('disk')));
    source.emit('SIGTERM', 'SIGTERM');
    await expect.poll(() => codes).toEqual([1]);
  });

  it('within a second of the first is the same one', () => {
    const { source, codes, clock } = running(never);
    source.emit('SIGINT', 'SIGINT');
    clock.time = 999;
    source.emit('SIGTERM', 'SIGTERM');
    expect(codes).toEqual([]);
  });

  it('that comes later ends it at once', () => {
    const { source, codes, clock } = running(never);
    source.emit('SIGINT', 'SIGINT');
    clock.time = 1001;
    source.emit('SIGTERM', 'SIGTERM');
    expect(codes).toEqual([143]);
  });

  it('is nothing any more once the listeners are gone', () => {
    const { source, remove } = running(never);
    remove();
    expect(source.eventNames()).toEqual([]);
  });
});
