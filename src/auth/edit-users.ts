import { access, constants, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { isFileError } from './file-error.ts';
import { makeFolderOf, replaceFile, targetOf } from './replace-file.ts';
import { parseUsersLines, type UsersLine } from './users-file.ts';
import { type LockPlace, lockUsersFile } from './users-file-lock.ts';

/** The edit cannot be made; the message says why. */
export class UsersEditError extends Error {
  override readonly name = 'UsersEditError';
}

type Edit = (lines: readonly UsersLine[]) => readonly UsersLine[];

/** @throws UsersEditError when the name is there; what `edit` throws */
export function addUser(path: string, { name, hash }: { name: string; hash: string }): Promise<void> {
  return edit(path, (lines) => {
    if (lines.some(isUser(name))) throw new UsersEditError(`there is a user ${name} already`);
    return [...lines, userLine(name, hash)];
  });
}

/** @throws UsersEditError when the name is not there; what `edit` throws */
export function changePassword(path: string, { name, hash }: { name: string; hash: string }): Promise<void> {
  return edit(path, (lines) => {
    mustHave(lines, name);
    return lines.map((line) => (isUser(name)(line) ? userLine(name, hash) : line));
  });
}

/** @throws UsersEditError when the name is not there; what `edit` throws */
export function removeUser(path: string, name: string): Promise<void> {
  return edit(path, (lines) => {
    mustHave(lines, name);
    return lines.filter((line) => !isUser(name)(line));
  });
}

/** @returns names in the order of the file; none when it is not there */
export async function listUsers(path: string): Promise<readonly string[]> {
  const lines = parseUsersLines(await readIfThere(path));
  return lines.flatMap((line) => (line.kind === 'user' ? line.name : []));
}

/** Several edits at once, by several processes, are made one after the other. */
async function edit(path: string, change: Edit): Promise<void> {
  for (;;) {
    const target = await targetOf(path);
    await makeFolderOf(target);
    await using lock = await lockUsersFile(await lockPlace(target));
    const before = await readIfThere(target);
    const after = textOf(change(parseUsersLines(before)));
    if (await replaceFile(target, after, lock)) return;
  }
}

/**
 * A file that lies where no other may be made, as one that is mounted into a container read-only, is rewritten in
 * place: it stays the same file, so its number may name its lock.
 */
async function lockPlace(target: string): Promise<LockPlace> {
  try {
    await access(dirname(target), constants.W_OK);
    return { folder: dirname(target), name: basename(target) };
  } catch (error) {
    if (!isFileError(error, 'EACCES', 'EROFS', 'EPERM')) throw error;
    const { dev, ino } = await stat(target);
    return { folder: tmpdir(), name: `fairlead-users-${dev}-${ino}` };
  }
}

/** A file without any byte where there were users is taken for a mistake, so an empty one says what it is. */
function textOf(lines: readonly UsersLine[]): string {
  const isEmpty = lines.every(({ text }) => text.trim() === '');
  const all = isEmpty ? [...lines.map(({ text }) => text), '# no users'] : lines.map(({ text }) => text);
  return `${all.join('\n')}\n`;
}

function isUser(name: string): (line: UsersLine) => boolean {
  return (line) => line.kind === 'user' && line.name === name;
}

function mustHave(lines: readonly UsersLine[], name: string): void {
  if (!lines.some(isUser(name))) throw new UsersEditError(`there is no user ${name}`);
}

function userLine(name: string, hash: string): UsersLine {
  return { kind: 'user', text: `${name}:${hash}`, name, hash };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return '';
    throw error;
  }
}
