import { type RegistryKind, type RegistryServer, startRegistry } from '../test/support/registry-server.ts';
import type { Scratch } from '../test/support/scratch.ts';
import { missingTools } from '../test/support/tools.ts';

/** One registry that takes part. */
export interface Contender {
  readonly kind: RegistryKind;
  readonly server: RegistryServer;
}

const PEERS: readonly RegistryKind[] = ['distribution', 'docker-registry'];

/** This server and every peer that is installed, each on a directory of its own. */
export async function startContenders(scratch: Scratch): Promise<readonly Contender[]> {
  const missing: readonly string[] = missingTools(['distribution', 'docker-registry']);
  const kinds: RegistryKind[] = ['fairlead', ...PEERS.filter((kind) => !missing.includes(kind))];
  const contenders: Contender[] = [];
  for (const kind of kinds) {
    contenders.push({ kind, server: await startRegistry({ kind, directory: scratch.at(kind) }) });
  }
  return contenders;
}
