import { UpstreamClient } from '../../../src/mirror/upstream/upstream-client.ts';
import type { UpstreamClientOptions } from '../../../src/mirror/upstream/upstream-options.ts';
import { disposing } from '../disposing.ts';
import { ScriptedUpstream, type ScriptedUpstreamOptions } from './scripted-upstream.ts';

export interface ClientBench {
  upstream(options?: ScriptedUpstreamOptions): Promise<ScriptedUpstream>;
  client(urls: string | readonly string[], options?: Partial<UpstreamClientOptions>): UpstreamClient;
}

/** Upstreams and clients of them, each for as long as its test. */
export function clientBench(): ClientBench {
  const hold = disposing();
  return {
    upstream: async (options) => hold(await ScriptedUpstream.start(options)),
    client: (urls, options = {}) => {
      const made = new UpstreamClient({ name: 'up', urls: [urls].flat(), ...options });
      hold({ [Symbol.asyncDispose]: () => made.close() });
      return made;
    },
  };
}
