import { describe, expect, it } from 'vitest';
import { ConnectionTurns } from '../../../src/mirror/upstream/connection-turns.ts';
import { readWhole } from '../../../src/mirror/upstream/response-body.ts';
import { TimeoutError } from '../../../src/mirror/upstream/timeout-error.ts';
import { UpstreamSlow, UpstreamWrong } from '../../../src/mirror/upstream/upstream-errors.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { clientBench } from '../../support/upstream/client-bench.ts';
import { send, silence } from '../../support/upstream/faults.ts';

const slow = new TimeoutError('too slow');

describe('turns on the connections to a server', () => {
  function line() {
    let now = 0;
    const turns = new ConnectionTurns(() => now);
    const take = (signal?: AbortSignal) => turns.take('a server', { most: 1, signal });
    return { take, later: () => now++ };
  }

  it('go to who waits, in order, and once however often they are given back', async () => {
    const { take } = line();
    const first = await take();
    const order: string[] = [];
    const wait = async (who: string): Promise<void> => {
      const turn = await take();
      order.push(who);
      turn.end();
    };
    const others = [wait('second'), wait('third')];
    first.end();
    first.end();
    await Promise.all(others);
    expect(order).toEqual(['second', 'third']);
  });

  it('are not waited for by who gives up', async () => {
    const { take } = line();
    const first = await take();
    const abort = new AbortController();
    const second = take(abort.signal);
    abort.abort(slow);
    await expect(second).rejects.toBe(slow);
    first.end();
    (await take()).end();
  });

  it('are not waited for at a server that says nothing, and are at one that answers others', async () => {
    const { take, later } = line();
    const first = await take();
    const second = take();
    first.heard();
    first.silent(slow);
    first.end();
    later();
    const next = await second;
    const third = take();
    later();
    next.silent(slow);
    await expect(third).rejects.toBe(slow);
    next.end();
  });
});

describe('an upstream', () => {
  const { upstream, client } = clientBench();

  it('that says nothing keeps nobody waiting longer than the first', async () => {
    const up = await upstream();
    up.on(/^GET/, silence);
    const it = client(up.url, { connections: 2, timeouts: { firstByte: 50 } });
    const ask = (tag: string) => it.getManifest({ repository: 'team/app', reference: parseReference(tag) });
    const asked = await Promise.allSettled(Array.from({ length: 20 }, (_, number) => ask(`v${number}`)));
    for (const { reason } of asked.filter((one) => one.status === 'rejected')) {
      expect(reason).toBeInstanceOf(UpstreamSlow);
    }
    expect(asked.every(({ status }) => status === 'rejected')).toBe(true);
    expect(up.requests.length).toBeLessThanOrEqual(2);
  });

  it('that sends endless headers for one thing is asked for another', async () => {
    const up = await upstream();
    up.addImage('team/app', 'v1', []);
    up.on(/strange/, send(404, '', { 'x-long': 'x'.repeat(100_000) }));
    const it = client(up.url);
    const ask = (tag: string) => it.getManifest({ repository: 'team/app', reference: parseReference(tag) });
    await expect(ask('strange')).rejects.toBeInstanceOf(UpstreamWrong);
    await expect(ask('v1')).resolves.toMatchObject({ mediaType: expect.stringContaining('manifest') });
  });
});

it('a body that comes by drops has an end', async () => {
  let now = 0;
  let aborted = false;
  const drip = {
    async read() {
      now += 9_000;
      return { chunks: [Buffer.from('x')], letGo() {} };
    },
    abort() {
      aborted = true;
    },
  };
  await expect(readWhole(drip, 1e6, () => now)).rejects.toThrow(/only 4 bytes came within 36 s/);
  expect(aborted).toBe(true);
});
