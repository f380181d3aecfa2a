import { type DestinationStream, type LoggerOptions, pino } from 'pino';
import { describeError } from './error-description.ts';
import { textLine } from './text-line.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** Fields first, then a message that is the same words every time; an error goes under `err`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

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

/** logrus's names for levels that pino calls otherwise. */
const LEVELS: Readonly<Record<string, string>> = { warning: 'warn', panic: 'fatal' };

/** Names under which a secret might be logged by mistake, at the top level of a line. */
const SECRETS = ['authorization', 'cookie', 'password', 'secret', 'token', 'secretkey', 'refreshToken'];

const hidden = () => '[hidden]';

function pinoOptions(options: LogOptions): LoggerOptions {
  const logstash = options.formatter === 'logstash';
  const time = logstash ? '@timestamp' : 'time';
  return {
    level: LEVELS[options.level] ?? options.level,
    base: { ...(logstash ? { '@version': '1' } : {}), ...options.fields },
    messageKey: logstash ? 'message' : 'msg',
    timestamp: () => `,"${time}":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
    serializers: { err: describeError, ...Object.fromEntries(SECRETS.map((name) => [name, hidden])) },
  };
}

function asText(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(textLine(line)) };
}

/** @throws Error when the level is unknown */
export function createLogs(options: LogOptions): Logs {
  const destination = options.formatter === 'text' ? asText(options.destination) : options.destination;
  const settings = pinoOptions(options);
  return {
    logger: pino(settings, destination),
    always: pino({ ...settings, level: 'info' }, destination),
  };
}
