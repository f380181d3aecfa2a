import { describe, expect, it } from 'vitest';
import { createLogs, type LogOptions } from '../../../src/operations/logs.ts';

function logsInto(lines: string[], options: Partial<LogOptions> = {}) {
  return createLogs({
    level: 'info',
    formatter: 'json',
    destination: { write: (line) => void lines.push(line) },
    ...options,
  });
}

const ISO = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z';

describe('log lines', () => {
  it('are JSON with the names that distribution uses', () => {
    const lines: string[] = [];
    logsInto(lines, { fields: { service: 'registry' } }).logger.info({ repository: 'a/b' }, 'push');
    expect(JSON.parse(lines.join(''))).toEqual({
      level: 'info',
      time: expect.stringMatching(new RegExp(`^${ISO}$`)),
      service: 'registry',
      repository: 'a/b',
      msg: 'push',
    });
  });

  it('have logstash’s names with its formatter', () => {
    const lines: string[] = [];
    logsInto(lines, { formatter: 'logstash' }).logger.warn({}, 'push');
    expect(JSON.parse(lines.join(''))).toEqual({
      '@timestamp': expect.any(String),
      '@version': '1',
      level: 'warning',
      message: 'push',
    });
  });

  it('are one readable line with the text formatter', () => {
    const lines: string[] = [];
    logsInto(lines, { formatter: 'text' }).logger.warn({ a: 1, b: 'two words', c: 'x/y' }, 'message');
    expect(lines.join('')).toMatch(new RegExp(`^${ISO} warning message a=1 b="two words" c=x/y\\n$`));
  });

  it('cannot be forged by what a client sends', () => {
    const lines: string[] = [];
    logsInto(lines, { formatter: 'text' }).logger.info({ agent: 'a\n2026 error fake\u001b[31m' }, 'request');
    expect(lines.join('').match(/\n/g)).toHaveLength(1);
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('put the stack of an error below with the text formatter', () => {
    const lines: string[] = [];
    logsInto(lines, { formatter: 'text' }).logger.error({ err: new Error('broken') }, 'failed');
    expect(lines.join('')).toMatch(/ error {3}failed err=\{"type":"Error","message":"broken"\}\n {4}at /);
  });

  it.each(['warn', 'warning'])('below %s are left out, those of the audit never', (level) => {
    const lines: string[] = [];
    const { logger, always } = logsInto(lines, { level });
    logger.info({}, 'left out');
    logger.child({ a: 1 }).info({}, 'left out too');
    always.info({ audit: 'push' }, 'audit');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['audit']);
  });

  it('refuse an unknown level', () => {
    expect(() => logsInto([], { level: 'loud' })).toThrow('loud');
  });
});

describe('secrets', () => {
  it('are hidden by their name', () => {
    const lines: string[] = [];
    logsInto(lines).logger.info({ password: 'hunter2', authorization: 'Basic aHVudGVyMg==' }, 'login');
    expect(lines.join('')).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it('are taken out of URLs in errors, and of their causes', () => {
    const lines: string[] = [];
    const cause = new Error('GET https://user:hunter2@upstream/v2/?X-Amz-Signature=hunter2&a=b');
    logsInto(lines).logger.error({ err: new Error('fill failed', { cause }) }, 'failed');
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('https://upstream/v2/?X-Amz-Signature=[hidden]&a=b');
  });

  it('do not come along as properties of an error', () => {
    const lines: string[] = [];
    const err = Object.assign(new Error('refused'), {
      request: { headers: { authorization: 'hunter2' } },
      code: 'E',
    });
    logsInto(lines).logger.error({ err }, 'failed');
    expect(lines.join('')).not.toContain('hunter2');
    expect(JSON.parse(lines.join('')).err).toMatchObject({ type: 'Error', message: 'refused', code: 'E' });
  });
});
