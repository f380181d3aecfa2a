import { join } from 'node:path';
import { mediaTypes } from '../../test/support/registry-client.ts';
import { run } from '../../test/support/run.ts';
import { goBin } from '../../test/support/tools.ts';

/** Without it distribution answers 404 for what is no Docker manifest. */
const ACCEPT = `Accept: ${mediaTypes.manifest}`;

/** Requests answered in a second: 32 connections of one wrk thread. */
export async function getRate(url: string, seconds: number): Promise<number> {
  const { stdout } = await run('wrk', ['-t1', '-c32', `-d${seconds}s`, '-H', ACCEPT, url]);
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout);
  if (failed !== null) throw new Error(`${url}: ${failed[0]}`);
  return numberIn(stdout, /Requests\/sec:\s+([\d.]+)/);
}

/** As `getRate` for HEAD, which wrk cannot do. */
export async function headRate(url: string, seconds: number): Promise<number> {
  const { stdout } = await run(join(goBin, 'hey'), [
    '-z',
    `${seconds}s`,
    '-c',
    '32',
    '-m',
    'HEAD',
    '-H',
    ACCEPT,
    url,
  ]);
  if (!/\[200\]/.test(stdout)) throw new Error(`${url}: no answer was 200\n${stdout}`);
  return numberIn(stdout, /Requests\/sec:\s+([\d.]+)/);
}

function numberIn(text: string, pattern: RegExp): number {
  const match = pattern.exec(text);
  if (match === null) throw new Error(`no ${pattern} in: ${text}`);
  return Number(match[1]);
}
