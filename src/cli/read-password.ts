import type { Readable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { MAX_PASSWORD_BYTES } from '../auth/bcrypt-hash.ts';
import type { CommandContext } from './command.ts';

/** No password can be had; the message says why. */
export class PasswordError extends Error {
  override readonly name = 'PasswordError';
}

/** Bytes; far above what a password may have. */
const MAX_INPUT = 4096;

/**
 * One password: from the terminal, without showing it, or all of standard input without the newline at its end.
 * @throws PasswordError
 */
export async function readPassword({ stdin, stderr }: CommandContext): Promise<string> {
  if (!(stdin instanceof ReadStream)) return checked(withoutNewline(await readAll(stdin)));
  // Nothing is shown from before the prompt on: who types fast, or pastes, is not shown either.
  stdin.setRawMode(true);
  stderr.write('Password: ');
  try {
    return checked(await readHidden(stdin));
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}

async function readAll(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_INPUT) throw tooLong();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function withoutNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

const INTERRUPT = 0x03;
const END = 0x04;
const BACKSPACES = [0x08, 0x7f];
const LINE_ENDS = [0x0a, 0x0d];

async function readHidden(terminal: ReadStream): Promise<Buffer> {
  let typed: number[] = [];
  try {
    for await (const chunk of terminal.iterator({ destroyOnReturn: false })) {
      for (const byte of Buffer.from(chunk)) {
        if (byte === INTERRUPT) throw new PasswordError('interrupted');
        if (byte === END || LINE_ENDS.includes(byte)) return Buffer.from(typed);
        if (BACKSPACES.includes(byte)) typed = withoutLastCharacter(typed);
        else typed.push(byte);
      }
    }
    return Buffer.from(typed);
  } finally {
    terminal.pause();
  }
}

/** A character may have several bytes in UTF-8. */
function withoutLastCharacter(typed: readonly number[]): number[] {
  const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;
  const last = typed.findLastIndex((byte) => !isContinuation(byte));
  return typed.slice(0, Math.max(last, 0));
}

function checked(bytes: Buffer): string {
  if (bytes.length === 0) throw new PasswordError('a password has at least one character');
  if (bytes.length > MAX_PASSWORD_BYTES) throw tooLong();
  if (bytes.includes(0)) throw new PasswordError('a password cannot hold a NUL');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PasswordError('a password is text in UTF-8', { cause });
  }
}

function tooLong(): PasswordError {
  return new PasswordError(`a password has at most ${MAX_PASSWORD_BYTES} bytes, bcrypt's limit`);
}
