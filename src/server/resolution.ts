import { hostedNames } from '../auth/name-resolver.ts';
import type { Config } from '../config/config.ts';
import { HostedResolver } from '../registry/hosted-repository.ts';
import type { Resolution, ResolutionParts } from './resolution-parts.ts';

/**
 * What mirrors is loaded only where something is mirrored: it takes its time.
 * @throws Error when certificates cannot be read, or the storage belongs to distribution's proxy
 */
export async function openResolution(config: Config, parts: ResolutionParts): Promise<Resolution> {
  const { mirror, proxy } = config;
  if (mirror !== undefined || proxy !== undefined) {
    const { openMirror, openProxy } = await import('./open-mirror.ts');
    if (mirror !== undefined) return await openMirror(config, mirror, parts);
    if (proxy !== undefined) return await openProxy(config, proxy, parts);
  }
  return {
    resolver: new HostedResolver(parts.storage, parts.redirect),
    names: hostedNames,
    isMirrored: () => false,
    upstreams: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}
