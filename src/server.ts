import type { Config } from './config/config.ts';

export interface RunningServer extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** Puts the server together and starts it. */
export async function startServer(_config: Config, _options: object): Promise<RunningServer> {
  throw new Error('the server is not built yet');
}
