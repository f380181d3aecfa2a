import { describe, expect, test } from 'vitest';
import { ComparisonQueue } from '../../../src/auth/comparison-queue.ts';

interface Started {
  readonly name: string;
  finish(): void;
}

function harness(options: { concurrency: number; waitingPerAddress?: number; waiting?: number }) {
  const queue = new ComparisonQueue({ waitingPerAddress: 100, waiting: 100, ...options });
  const started: Started[] = [];
  const run = (address: string, name: string, admit: () => 'go' | 'wait' = () => 'go') =>
    queue.run({
      address,
      admit,
      compare: () => {
        const { promise, resolve } = Promise.withResolvers<string>();
        started.push({ name, finish: () => resolve(name) });
        return promise;
      },
    });
  const finishNext = async () => {
    started.shift()?.finish();
    await new Promise(setImmediate);
  };
  return { run, started, finishNext, names: () => started.map(({ name }) => name) };
}

describe('comparisons', () => {
  test('are few at a time', async () => {
    const { run, names, finishNext } = harness({ concurrency: 2 });
    const all = ['a', 'b', 'c'].map((name) => run('one', name));
    expect(names()).toEqual(['a', 'b']);
    await finishNext();
    expect(names()).toEqual(['b', 'c']);
    await finishNext();
    await finishNext();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
  });

  test('take turns by address', async () => {
    const { run, names, finishNext } = harness({ concurrency: 1 });
    for (let count = 0; count < 50; count++) void run('attacker', `a${count}`);
    void run('alice', 'alice');
    const order: string[] = [];
    for (let count = 0; count < 4; count++) {
      order.push(...names());
      await finishNext();
    }
    expect(order.indexOf('alice')).toBeLessThan(3);
  });

  test('that wait are bounded, and the longest queue gives way', async () => {
    const { run } = harness({ concurrency: 1, waitingPerAddress: 3, waiting: 4 });
    void run('attacker', 'running');
    const waiting = [1, 2, 3].map((count) => run('attacker', `a${count}`));
    await expect(run('attacker', 'a4')).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
    void run('alice', 'alice');
    void run('bob', 'bob');
    await expect(waiting[2]).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
  });

  test('may be refused or held back when their turn comes', async () => {
    const { run, names, finishNext } = harness({ concurrency: 2 });
    let admission: 'go' | 'wait' = 'wait';
    void run('one', 'a');
    void run('one', 'held', () => admission);
    const refused = run('two', 'refused', () => {
      throw new Error('no more');
    });
    await expect(refused).rejects.toThrow('no more');
    expect(names()).toEqual(['a']);
    admission = 'go';
    await finishNext();
    expect(names()).toEqual(['held']);
  });
});
