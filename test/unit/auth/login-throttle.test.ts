import { describe, expect, test } from 'vitest';
import { LoginThrottle, networkOf } from '../../../src/auth/login-throttle.ts';

function throttleAt(clock: { now: number }): LoginThrottle {
  return new LoginThrottle({ account: 5, address: 20, window: 60_000, now: () => clock.now });
}

describe('after wrong passwords', () => {
  test('the sixth for an account from one address within a minute is refused, with the time to wait', () => {
    const clock = { now: 1_000_000 };
    const throttle = throttleAt(clock);
    const attempt = { account: 'alice', address: '10.0.0.1' };
    for (let count = 0; count < 5; count++) {
      expect(throttle.admit(attempt)).toBe('go');
      throttle.failed(attempt);
      clock.now += 1000;
    }
    expect(() => throttle.admit(attempt)).toThrow(
      expect.objectContaining({ code: 'TOOMANYREQUESTS', headers: { 'retry-after': '55' } }),
    );
    clock.now += 55_000;
    expect(throttle.admit(attempt)).toBe('go');
  });

  test('nobody else is locked out', () => {
    const throttle = throttleAt({ now: 0 });
    for (let count = 0; count < 5; count++) throttle.failed({ account: 'alice', address: '10.0.0.1' });
    expect(throttle.admit({ account: 'alice', address: '10.0.0.2' })).toBe('go');
    expect(throttle.admit({ account: 'bob', address: '10.0.0.1' })).toBe('go');
  });

  test('for any accounts from one address the twenty-first is refused', () => {
    const throttle = throttleAt({ now: 0 });
    for (let count = 0; count < 20; count++)
      throttle.failed({ account: `user${count}`, address: '10.0.0.1' });
    expect(() => throttle.admit({ account: 'alice', address: '10.0.0.1' })).toThrow();
    expect(throttle.admit({ account: 'alice', address: '10.0.0.2' })).toBe('go');
  });

  test('what is being compared waits for what is under way', () => {
    const throttle = throttleAt({ now: 0 });
    const attempt = { account: 'alice', address: '10.0.0.1' };
    for (let count = 0; count < 4; count++) throttle.failed(attempt);
    const ended = throttle.started(attempt);
    expect(throttle.admit(attempt)).toBe('wait');
    ended();
    expect(throttle.admit(attempt)).toBe('go');
  });

  test('an IPv6 network counts as one address, and a mapped address as the IPv4 one', () => {
    expect(networkOf('2001:db8:1:2:aaaa::1')).toBe(networkOf('2001:db8:1:2::ffff'));
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'));
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
  });
});
