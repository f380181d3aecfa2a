import { describeError } from './error-description.ts';
import type { LogFields, Logger } from './logger.ts';

/** Values that need no quotes to be read back. */
const PLAIN = /^[\w.:/@,+%?&=[\]{}()*~#-]+$/;

const LEVELS = ['debug', 'info', 'warning', 'error'] as const;

type Level = (typeof LEVELS)[number];

const WIDTH = 7;

export interface TextLoggerOptions {
  /** What is below is not written. */
  readonly level: Level;
  readonly fields: LogFields;
  /** Names of fields whose values are not shown. */
  readonly secrets: ReadonlySet<string>;
  readonly now: () => string;
  readonly write: (line: string) => void;
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  return JSON.stringify(value) ?? '';
}

/** The frames alone: the message before them may hold what a client sent, newlines too. */
function frames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^ +at /.test(line))
    .map((line) => `${line}\n`)
    .join('');
}

/** `2026-01-31T12:00:00.000Z info    message a=1 b="two words"`; the frames of an error follow on lines of their own. */
export class TextLogger implements Logger {
  readonly #options: TextLoggerOptions;
  readonly #least: number;
  readonly #own: string;

  constructor(options: TextLoggerOptions) {
    this.#options = options;
    this.#least = LEVELS.indexOf(options.level);
    this.#own = this.#fieldsText(options.fields);
  }

  debug(fields: LogFields, message: string): void {
    if (this.#least <= 0) this.#write('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    if (this.#least <= 1) this.#write('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    if (this.#least <= 2) this.#write('warning', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: LogFields): Logger {
    return new TextLogger({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  #fieldsText(fields: LogFields): string {
    let text = '';
    for (const name in fields) {
      const value = fields[name];
      if (value === undefined || name === 'err') continue;
      text += ` ${name}=${this.#options.secrets.has(name) ? '[hidden]' : valueText(value)}`;
    }
    return text;
  }

  #write(level: Level, fields: LogFields, message: string): void {
    const line = `${this.#options.now()} ${level.padEnd(WIDTH)} ${message}${this.#own}${this.#fieldsText(fields)}`;
    if (fields.err === undefined) {
      this.#options.write(`${line}\n`);
      return;
    }
    const { stack, ...rest } = describeError(fields.err);
    this.#options.write(`${line} err=${valueText(rest)}\n${stack === undefined ? '' : frames(stack)}`);
  }
}
