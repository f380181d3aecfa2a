import { mkdir } from 'node:fs/promises';
import { run } from './run.ts';

/** A file system of its own in memory that is full at `size` (as `mount` takes it: `64m`). Needs root. */
export async function mountTmpfs(path: string, size: string): Promise<AsyncDisposable> {
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  return {
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['--lazy', path]);
    },
  };
}
