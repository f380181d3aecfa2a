import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startProgram } from './program.ts';
import { toolPath } from './tools.ts';

/** An S3 server on the loopback with one empty bucket. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The folder in which the server keeps its buckets; versitygw's objects are plain files there. */
  readonly folder: string;
  stop(): Promise<unknown>;
  kill(): Promise<void>;
  /** Starts it again on the same port; it must have ended. */
  start(): Promise<void>;
}

const accessKey = 'fairlead';
const secretKey = 'fairlead-secret';
const bucket = 'registry';

/** versitygw on a folder below `parent`. @param options `flags`: more of its command line */
export function startVersitygw(
  parent: string,
  { flags = [] }: { readonly flags?: readonly string[] } = {},
): Promise<S3Server> {
  return startS3(join(parent, 'versitygw'), (address, folder) => ({
    command: toolPath('versitygw'),
    args: ['--quiet', '--port', address, ...flags, 'posix', folder],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  }));
}

/** minio on a folder below `parent`. */
export function startMinio(parent: string): Promise<S3Server> {
  return startS3(join(parent, 'minio'), (address, folder) => ({
    command: toolPath('minio'),
    args: ['server', '--quiet', '--address', address, folder],
    env: { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, HOME: folder },
  }));
}

/** Each by its name as a tool, with what starts it. */
export const S3_SERVERS = [
  ['versitygw', startVersitygw],
  ['minio', startMinio],
] as const;

interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

async function startS3(folder: string, plan: (address: string, folder: string) => Launch): Promise<S3Server> {
  await mkdir(join(folder, bucket), { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  const endpoint = `http://${address}`;
  const { command, args, env } = plan(address, folder);
  const launch = () =>
    startProgram(command, args, {
      env: { ...process.env, ...env },
      cwd: folder,
      ready: async () => {
        const response = await fetch(`${endpoint}/${bucket}/`, { signal: AbortSignal.timeout(1000) });
        await response.body?.cancel();
        // Without a signature it is refused; a server that is still starting says 503 or nothing.
        return response.status === 403;
      },
    });
  let program = await launch();
  return {
    endpoint,
    bucket,
    accessKey,
    secretKey,
    folder,
    stop: () => program.stop(),
    kill: () => program.kill(),
    start: async () => {
      program = await launch();
    },
    [Symbol.asyncDispose]: async () => {
      await program.stop();
    },
  };
}
