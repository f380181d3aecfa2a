import { cp, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Docker } from './docker.ts';
import { run } from './run.ts';
import { toolPath } from './tools.ts';

/**
 * Makes a stand-in of an image of Node's, where none can be pulled: Debian, the Node that runs this, and the npm
 * that started it. `folder` is where its files are put together.
 */
export async function importNodeImage(
  docker: Docker,
  { folder, name }: { folder: string; name: string },
): Promise<void> {
  await run(toolPath('debootstrap'), ['--variant=minbase', '--include=ca-certificates', 'bookworm', folder], {
    timeout: 280_000,
  });
  const inUsr = (...path: string[]) => join(folder, 'usr', 'local', ...path);
  await mkdir(inUsr('lib', 'node_modules'), { recursive: true });
  await cp(process.execPath, inUsr('bin', 'node'));
  await cp(await npmFolder(), inUsr('lib', 'node_modules', 'npm'), { recursive: true, dereference: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', inUsr('bin', 'npm'));
  // A machine may reach its npm registry through something with a certificate of its own.
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  if (authorities !== undefined)
    await writeFile(join(folder, 'authorities.pem'), await readFile(authorities));
  const env = authorities === undefined ? [] : ['--change', 'ENV NODE_EXTRA_CA_CERTS=/authorities.pem'];
  const path = ['--change', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  const archive = `${folder}.tar`;
  await run('tar', ['--one-file-system', '-C', folder, '-cf', archive, '.']);
  await docker.cli('import', ...path, ...env, archive, name);
}

/** Where the npm lies that runs this script. @throws Error when something else does */
async function npmFolder(): Promise<string> {
  const program = process.env.npm_execpath;
  if (program === undefined) throw new Error('not started by npm: use npm run test:interop');
  return dirname(dirname(await realpath(program)));
}
