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
export function headRate(url: string, seconds: number): Promise<number> {
  return heyRate({ url, seconds, method: 'HEAD' });
}

/** As `getRate`, going where it is sent to, which wrk does not do. */
export function followRate(url: string, seconds: number): Promise<number> {
  return heyRate({ url, seconds, method: 'GET' });
}

interface HeyOptions {
  readonly url: string;
  readonly seconds: number;
  readonly method: 'GET' | 'HEAD';
}

async function heyRate({ url, seconds, method }: HeyOptions): Promise<number> {
  const options = ['-z', `${seconds}s`, '-c', '32', '-m', method, '-H', ACCEPT];
  const { stdout } = await run(join(goBin, 'hey'), [...options, url]);
  // Lines as `[200] 58840 responses`; the histogram above them has numbers in brackets too.
  const statuses = [...stdout.matchAll(/\[(\d+)\]\s+\d+ responses/g)].map(([, status]) => status);
  if (statuses.join() !== '200') throw new Error(`${url}: not every answer was 200\n${stdout}`);
  return numberIn(stdout, /Requests\/sec:\s+([\d.]+)/);
}

function numberIn(text: string, pattern: RegExp): number {
  const match = pattern.exec(text);
  if (match === null) throw new Error(`no ${pattern} in: ${text}`);
  return Number(match[1]);
}
