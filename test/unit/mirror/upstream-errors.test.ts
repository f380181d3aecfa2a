import { describe, expect, it } from 'vitest';
import {
  registryErrorFor,
  UpstreamFailed,
  UpstreamLimited,
  UpstreamNotAllowed,
  UpstreamNotFound,
  UpstreamRefused,
  UpstreamSlow,
  UpstreamUnreachable,
  UpstreamWrong,
} from '../../../src/mirror/upstream/upstream-errors.ts';
import { reasonOf } from '../../../src/operations/error-description.ts';

const AT = 'quay.io';

describe('what a client is told of an upstream', () => {
  it.each([
    [new UpstreamNotFound(AT, 'has no such manifest'), 404, 'the upstream quay.io has no such manifest'],
    [new UpstreamFailed(AT, 'answered 500'), 502, 'the upstream quay.io fails: answered 500'],
    [
      new UpstreamFailed(AT, 'its token server answered 500'),
      502,
      'the upstream quay.io fails: its token server answered 500',
    ],
    [
      new UpstreamUnreachable(AT, 'refuses connections'),
      502,
      'the upstream quay.io cannot be reached: refuses connections',
    ],
    [
      new UpstreamSlow(AT, 'no answer within 5 ms'),
      504,
      'the upstream quay.io is too slow: no answer within 5 ms',
    ],
    [
      new UpstreamWrong(AT, 'leads to a private address'),
      502,
      'the upstream quay.io cannot be used: leads to a private address',
    ],
    [
      new UpstreamRefused(AT, 'asks for credentials'),
      502,
      'the upstream quay.io gives nothing: asks for credentials',
    ],
    [new UpstreamLimited(AT, 30), 429, 'the upstream quay.io limits requests: nothing is asked for 30 s'],
    [
      new UpstreamNotAllowed(AT, 'this mirror is not configured to fetch a/b'),
      403,
      'this mirror is not configured to fetch a/b',
    ],
  ])('is a sentence: %s', (error, status, message) => {
    expect(registryErrorFor(error, 'manifest')).toMatchObject({ status, message });
  });

  it('stands in the log once', () => {
    const told = registryErrorFor(new UpstreamFailed(AT, 'answered 500'), 'blob');
    expect(reasonOf(told)).toBe('the upstream quay.io fails: answered 500');
  });
});
