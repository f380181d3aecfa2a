import { type DestinationStream, type LoggerOptions, pino } from 'pino';
import { describeError } from './error-description.ts';
import { isoClock } from './iso-clock.ts';
import type { LogFields, Logger } from './logger.ts';
import { TextLogger } from './text-logger.ts';

export interface LogOptions {
  /** distribution's `log.level`: debug, info, warn or warning, error, and what logrus knows besides. */
  readonly level: string;
  /** distribution's `log.formatter`: one readable line, JSON, or JSON with logstash's field names. */
  readonly formatter: 'text' | 'json' | 'logstash';
  /** Stand in every line. */
  readonly fields?: LogFields;
  /** Where lines go; each write is one line with its newline. */
  readonly destination: DestinationStream;
}

export interface Logs {
  readonly logger: Logger;
  /** Writes whatever `log.level` says: audit lines and the access log, which has a switch of its own. */
  readonly always: Logger;
}

/** The levels of logrus, by ours. */
const LEVELS: Readonly<Record<string, 'debug' | 'info' | 'warning' | 'error'>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warning',
  warning: 'warning',
  error: 'error',
  fatal: 'error',
  panic: 'error',
};

/** Names under which a secret might be logged by mistake, at the top level of a line. */
const SECRETS = new Set([
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'secretkey',
  'refreshToken',
]);

const hidden = () => '[hidden]';

function pinoOptions({ formatter, fields }: LogOptions): LoggerOptions {
  const logstash = formatter === 'logstash';
  const time = logstash ? '@timestamp' : 'time';
  const now = isoClock();
  return {
    base: { ...(logstash ? { '@version': '1' } : {}), ...fields },
    messageKey: logstash ? 'message' : 'msg',
    timestamp: () => `,"${time}":"${now()}"`,
    formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
    serializers: { err: describeError, ...Object.fromEntries([...SECRETS].map((name) => [name, hidden])) },
  };
}

/** @throws Error when the level is unknown */
export function createLogs(options: LogOptions): Logs {
  const { formatter, fields = {}, destination } = options;
  const level = LEVELS[options.level];
  if (level === undefined) throw new Error(`unknown log level ${options.level}`);
  if (formatter === 'text') {
    // pino would make JSON of every line only to have it parsed again.
    const text = {
      fields,
      secrets: SECRETS,
      now: isoClock(),
      write: (line: string) => destination.write(line),
    };
    return { logger: new TextLogger({ ...text, level }), always: new TextLogger({ ...text, level: 'info' }) };
  }
  const settings = pinoOptions(options);
  return {
    logger: pino({ ...settings, level: level === 'warning' ? 'warn' : level }, destination),
    always: pino({ ...settings, level: 'info' }, destination),
  };
}
