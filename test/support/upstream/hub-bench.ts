import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { disposing } from '../disposing.ts';
import { type MirrorBench, type MirrorBenchOptions, mirrorBench } from './mirror-bench.ts';
import { ScriptedUpstream, type ScriptedUpstreamOptions } from './scripted-upstream.ts';

/** The one layer of the image that the hub has. */
export const LAYER = Buffer.alloc(300_000, 'layer');

export interface Hub {
  readonly up: ScriptedUpstream;
  readonly it: MirrorBench;
  /** Of the manifest `library/nginx:v1`. */
  readonly digest: Digest;
  readonly layer: Digest;
}

export interface HubBench {
  upstream(options?: ScriptedUpstreamOptions): Promise<ScriptedUpstream>;
  mirror(options: MirrorBenchOptions): Promise<MirrorBench>;
  /** A mirror of one upstream, docker.io, which has an image. */
  hub(options?: ScriptedUpstreamOptions & Pick<MirrorBenchOptions, 'patience'>): Promise<Hub>;
}

/** Mirrors and their upstreams, each for as long as its test. */
export function hubBench(): HubBench {
  const hold = disposing();
  const upstream = async (options?: ScriptedUpstreamOptions) => hold(await ScriptedUpstream.start(options));
  const mirror = async (options: MirrorBenchOptions) => hold(await mirrorBench(options));
  return {
    upstream,
    mirror,
    hub: async ({ patience, ...options } = {}) => {
      const up = await upstream(options);
      const digest = up.addImage('library/nginx', 'v1', [LAYER]);
      const hub = { name: 'docker.io', urls: [up.url], hosts: ['hub.mirror.example'] };
      return {
        up,
        it: await mirror({ upstreams: [hub], ...(patience !== undefined && { patience }) }),
        digest,
        layer: digestOf(LAYER),
      };
    },
  };
}
