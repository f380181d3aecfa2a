import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RepositoryResolver, ResolvedRepository, ResolveRequest } from '../oci/repository-resolver.ts';
import type { MirrorCore, MirrorUpstream } from './mirror-core.ts';

/** distribution's `proxy:`: the whole server is a mirror of one upstream, its content under bare names. */
export class ProxyMirror implements RepositoryResolver, AsyncDisposable {
  readonly #core: MirrorCore;
  readonly #upstream: MirrorUpstream;

  constructor(core: MirrorCore, upstream: MirrorUpstream) {
    this.#core = core;
    this.#upstream = upstream;
  }

  /** @throws RegistryError UNSUPPORTED for a write */
  async resolve({ name, ns, intent }: ResolveRequest): Promise<ResolvedRepository> {
    if (intent === 'write') {
      throw new RegistryError('UNSUPPORTED', {
        message:
          'this registry is a mirror of another one (proxy.remoteurl): nothing can be pushed to it or deleted',
      });
    }
    const reader = this.#core.repository(this.#upstream.name, {
      upstreamName: name,
      stored: name,
      bare: false,
    });
    return { asked: name, stored: name, mirrored: true, namespace: ns, reader };
  }

  isMirrored(_name: RepositoryName): boolean {
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#core[Symbol.asyncDispose]();
  }
}
