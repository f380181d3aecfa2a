import { accountNameFault } from '../auth/account-name.ts';
import { hashPassword } from '../auth/bcrypt-hash.ts';
import { addUser, changePassword, listUsers, removeUser, UsersEditError } from '../auth/edit-users.ts';
import { UsersFileError } from '../auth/users-file.ts';
import { LockBusyError } from '../auth/users-file-lock.ts';
import type { Config } from '../config/config.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, UsageError } from './command.ts';
import { readConfig } from './read-config.ts';
import { PasswordError, readPassword } from './read-password.ts';

const ACTIONS = ['add', 'passwd', 'remove', 'list'] as const;

type Action = (typeof ACTIONS)[number];

/** Edits the users file of the built-in login. */
export const user: Command = async (args, context) => {
  const { positionals, values } = parseArguments(args, { options: { config: { type: 'string' } }, most: 2 });
  const [action, name] = positionals;
  if (!isAction(action)) throw new UsageError(`one of ${ACTIONS.join(', ')} is meant`);
  if ((action === 'list') !== (name === undefined)) {
    throw new UsageError(action === 'list' ? 'list takes no name' : `${action} takes a name`);
  }
  const loaded = readConfig({ file: values.config }, context);
  if (loaded === undefined) return 1;
  const { auth } = loaded.config;
  if (auth.mode !== 'builtin') {
    return fail(context, `${loaded.file} has no auth.builtin, so there is no users file to edit`);
  }
  try {
    await act({ action, name: name ?? '', path: auth.users, taken: upstreamNames(loaded.config), context });
    return 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    return fail(context, error instanceof UsersFileError ? `${auth.users}: ${error.message}` : error.message);
  }
};

interface Task {
  readonly action: Action;
  readonly name: string;
  readonly path: string;
  /** Names and aliases of the upstreams. */
  readonly taken: readonly string[];
  readonly context: CommandContext;
}

async function act({ action, name, path, taken, context }: Task): Promise<void> {
  switch (action) {
    case 'add': {
      const fault = accountNameFault(name, taken);
      if (fault !== undefined) throw new UsersEditError(`${JSON.stringify(name)}: ${fault}`);
      // Told before a password is typed in vain; another command may still be faster.
      if ((await listUsers(path)).includes(name)) throw new UsersEditError(`there is a user ${name} already`);
      return addUser(path, { name, hash: await hashPassword(await readPassword(context)) });
    }
    case 'passwd': {
      if (!(await listUsers(path)).includes(name)) throw new UsersEditError(`there is no user ${name}`);
      return changePassword(path, { name, hash: await hashPassword(await readPassword(context)) });
    }
    case 'remove':
      return removeUser(path, name);
    case 'list':
      for (const known of await listUsers(path)) context.stdout.write(`${known}\n`);
      return;
    default:
      return action satisfies never;
  }
}

function isAction(text: string | undefined): text is Action {
  return ACTIONS.some((action) => action === text);
}

function upstreamNames({ mirror }: Config): readonly string[] {
  return mirror?.upstreams.flatMap(({ name, aliases }) => [name, ...aliases]) ?? [];
}

function isExpected(error: unknown): error is Error {
  return (
    error instanceof UsersEditError ||
    error instanceof UsersFileError ||
    error instanceof PasswordError ||
    error instanceof LockBusyError ||
    (error instanceof Error && 'syscall' in error)
  );
}

function fail({ stderr }: CommandContext, message: string): number {
  stderr.write(`fairlead: ${message}\n`);
  return 1;
}
