import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionShares } from '../../../src/mirror/fill/extra-connections.ts';

/** Takes all that it may. @returns how many that were */
function takeAll(fill: { readonly left: number; take(): void }): number {
  let taken = 0;
  for (; fill.left > 0; taken++) fill.take();
  return taken;
}

describe('the connections of an upstream', () => {
  it('are all for one fill that is alone, beside its first', () => {
    expect(takeAll(new ConnectionShares(16).begin())).toBe(15);
  });

  it('are shared evenly by fills that begin together', () => {
    const shares = new ConnectionShares(16);
    const fills = [shares.begin(), shares.begin(), shares.begin(), shares.begin()];
    expect(fills.map(takeAll)).toEqual([3, 3, 3, 3]);
  });

  it('are all used where they do not come out even', () => {
    const shares = new ConnectionShares(10);
    const fills = [shares.begin(), shares.begin(), shares.begin()];
    expect(fills.map(takeAll)).toEqual([3, 3, 1]);
  });

  it('are given back down to its share by a fill that another one joins, and are free for that one then', () => {
    const shares = new ConnectionShares(16);
    const first = shares.begin();
    takeAll(first);
    expect(first.tooMany).toBe(false);
    const second = shares.begin();
    expect(second.left).toBeLessThanOrEqual(0);
    let given = 0;
    for (; first.tooMany && given < 15; given++) first.give();
    expect(given).toBe(8);
    expect(takeAll(second)).toBe(7);
    expect(first.left).toBe(0);
  });

  it('go to the others when a fill ends', () => {
    const shares = new ConnectionShares(16);
    const [first, second] = [shares.begin(), shares.begin()];
    expect([takeAll(first), takeAll(second)]).toEqual([7, 7]);
    for (let n = 0; n < 7; n++) second.give();
    second.end();
    expect(takeAll(first)).toBe(8);
  });

  it('are none beside the first ones where there are more fills than connections', () => {
    const shares = new ConnectionShares(2);
    const first = shares.begin();
    expect(takeAll(first)).toBe(1);
    const others = [shares.begin(), shares.begin()];
    for (const fill of [first, ...others]) expect(fill.left).toBeLessThanOrEqual(0);
    expect(first.tooMany).toBe(true);
  });

  it('are never more than there are, and every fill gets its part of them, whatever happens', () => {
    const step = fc.record({ what: fc.constantFrom('begin', 'take', 'give', 'end'), which: fc.nat(9) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 120 }), (most, steps) => {
        const shares = new ConnectionShares(most);
        const fills: { readonly of: ReturnType<ConnectionShares['begin']>; mine: number }[] = [];
        for (const { what, which } of steps) {
          const fill = fills[which % Math.max(1, fills.length)];
          if (what === 'begin') fills.push({ of: shares.begin(), mine: 0 });
          else if (what === 'take' && fill !== undefined && fill.of.left > 0) {
            fill.of.take();
            fill.mine++;
            const extra = fills.reduce((sum, { mine }) => sum + mine, 0);
            expect(extra + fills.length).toBeLessThanOrEqual(most);
          } else if (what === 'give' && fill !== undefined && fill.mine > 0) {
            fill.of.give();
            fill.mine--;
          } else if (what === 'end' && fill?.mine === 0) {
            fill.of.end();
            fills.splice(fills.indexOf(fill), 1);
          }
        }
        // What is held beyond a share comes back, and then there is nobody who could have more and does not.
        for (const fill of fills) for (; fill.of.tooMany && fill.mine > 0; fill.mine--) fill.of.give();
        for (const fill of fills) fill.mine += takeAll(fill.of);
        const extra = fills.reduce((sum, { mine }) => sum + mine, 0);
        if (fills.length > 0) expect(extra).toBe(Math.max(0, most - fills.length));
      }),
    );
  });
});
