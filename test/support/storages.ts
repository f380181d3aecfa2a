import type { RegistryConfig } from './registry-server.ts';
import type { Tool } from './tools.ts';

/** What a server under test keeps its content in. */
export interface StorageKind {
  readonly name: string;
  /** Programs it needs. */
  readonly tools: readonly Tool[];
  /** Starts what it needs, with its files in this folder. */
  start(folder: string): Promise<RunningStorage>;
}

export interface RunningStorage extends AsyncDisposable {
  /** Top-level keys of the configuration; nothing means the server's default, a directory. */
  readonly config: RegistryConfig;
}

const directory: StorageKind = {
  name: 'a directory',
  tools: [],
  start: async () => ({ config: {}, [Symbol.asyncDispose]: async () => {} }),
};

/** Every storage that the interop suites run on. */
export const storageKinds: readonly StorageKind[] = [directory];
