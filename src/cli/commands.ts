import type { Command } from './command.ts';

/** A command as the dispatcher knows it; its code is loaded only when it is asked for. */
export interface CommandEntry {
  readonly arguments: string;
  readonly summary: string;
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: {
    arguments: '[CONFIG]',
    summary: 'run the registry',
    load: async () => (await import('./serve.ts')).serve,
  },
  'check-config': {
    arguments: '[--probe] [CONFIG]',
    summary:
      'print the configuration in force with secrets hidden, or every error in it; with --probe, how each upstream answers',
    load: async () => (await import('./check-config.ts')).checkConfig,
  },
  'garbage-collect': {
    arguments: '[-d] [-m] [-q] [CONFIG]',
    summary: 'remove what nothing leads to (not built yet)',
    load: async () => (await import('./garbage-collect.ts')).garbageCollect,
  },
  user: {
    arguments: 'add|passwd|remove|list [--config CONFIG] [NAME]',
    summary:
      'edit the users file of the built-in login; the password comes from the terminal or standard input',
    load: async () => (await import('./user.ts')).user,
  },
  key: {
    arguments: 'rotate [--all] [--config CONFIG]',
    summary: 'make a new token key; --all ends every token, refresh tokens too',
    load: async () => (await import('./key.ts')).key,
  },
};
