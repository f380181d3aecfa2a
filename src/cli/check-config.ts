import type { Config } from '../config/config.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { printWarnings, readConfig } from './read-config.ts';

/**
 * Prints the configuration in force as YAML, secrets hidden, or every error in it. With `--probe` it asks every
 * upstream instead, and prints a line for each of their URLs.
 */
export const checkConfig: Command = async (args, context) => {
  const { positionals, values } = parseArguments(args, { options: { probe: { type: 'boolean' } }, most: 1 });
  const loaded = readConfig({ file: positionals[0] }, context);
  if (loaded === undefined) return 1;
  printWarnings(loaded, context);
  if (values.probe === true) return await probe(loaded.config, context);
  context.stdout.write(`# ${loaded.file}\n${loaded.effective()}`);
  return 0;
};

/** @returns 0 only when every URL answers and takes its credentials */
async function probe(config: Config, { stdout }: CommandContext): Promise<number> {
  const { probeUpstream } = await import('../mirror/probe.ts');
  const { allUpstreams } = await import('../server/open-mirror.ts');
  let ok = true;
  for (const upstream of await allUpstreams(config)) {
    for (const result of await probeUpstream(upstream)) {
      ok &&= result.ok;
      // What OpenSSL says of a broken handshake has a newline at its end.
      stdout.write(`${result.upstream} ${result.where} ${result.told.replace(/\s+/g, ' ')}\n`);
    }
  }
  return ok ? 0 : 1;
}
