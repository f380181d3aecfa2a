import { RegistryError } from '../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { RepositoryReader } from '../oci/repository-reader.ts';
import type { RepositoryResolver, ResolvedRepository, ResolveRequest } from '../oci/repository-resolver.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import { HostedNames } from './hosted-names.ts';
import type { MirrorCore } from './mirror-core.ts';
import { pushDenied } from './push-denied.ts';
import type { MirroredRepository } from './repository/mirrored-repository.ts';
import type { MirroredName, UpstreamDirectory } from './resolution/upstream-directory.ts';

export interface MirrorOptions {
  readonly core: MirrorCore;
  readonly directory: UpstreamDirectory;
  readonly storage: RegistryStorage;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  /** Opens a repository that was pushed here. */
  readonly hosted: (name: RepositoryName) => RepositoryReader;
}

/** Where a client asked for a token. */
export interface AskedAt {
  readonly host: string;
  readonly upstream: string | undefined;
}

export interface NameMeaning {
  readonly resolved: string;
  readonly mirrored: boolean;
}

/** Any number of mirrored upstreams beside the repositories that are pushed here. */
export class Mirror implements RepositoryResolver, AsyncDisposable {
  readonly #options: MirrorOptions;
  readonly #directory: UpstreamDirectory;
  readonly #hosting: HostedNames;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#directory = options.directory;
    this.#hosting = new HostedNames(options.storage, options.now);
  }

  /** @throws RegistryError NAME_UNKNOWN; DENIED for a write to a mirrored name */
  async resolve(request: ResolveRequest): Promise<ResolvedRepository> {
    const { name, ns, intent } = request;
    const found = this.#directory.resolve({
      name,
      ns,
      host: request.caller.reachedBy ?? request.caller.host,
      prefix: request.pathPrefix,
    });
    switch (found.kind) {
      case 'unknown':
        if (intent === 'write') throw this.#denied(name, name.split('/').slice(1).join('/'));
        throw new RegistryError('NAME_UNKNOWN', {
          message: `${name} leads to no repository here`,
          detail: { name },
        });
      case 'hosted':
        return this.#hosted(name, ns);
      case 'mirrored':
        if (intent === 'write') throw this.#denied(name, found.target.upstreamName);
        return this.#mirrored(name, {
          target: found.target,
          bare: false,
          namespace: found.how === 'ns' ? ns : undefined,
        });
      case 'bare':
        return await this.#bare(request, found.namesake);
      default:
        return found satisfies never;
    }
  }

  /** Whether a name of the storage is a mirrored repository. */
  isMirrored(name: string): boolean {
    return this.#directory.isReserved(name.split('/', 1)[0] ?? '') && name.includes('/');
  }

  /** Whether a component before `/v2/` in a path names an upstream. */
  isUpstream(component: string): boolean {
    return this.#directory.isReserved(component);
  }

  /** The upstream that a request means whatever its name. */
  implied(request: {
    readonly host: string;
    readonly ns: string | undefined;
    readonly prefix: string | undefined;
  }) {
    return this.#directory.implied(request);
  }

  /** What a name in a token's scope may mean. */
  meanings(name: string, askedAt: AskedAt): readonly NameMeaning[] {
    const found = this.#meant(name, askedAt);
    if (found === undefined) return [{ resolved: name, mirrored: false }];
    if (found.kind === 'bare') {
      return [
        { resolved: name, mirrored: false },
        { resolved: found.namesake.storedName, mirrored: true },
      ];
    }
    return [{ resolved: found.target.storedName, mirrored: true }];
  }

  /** What a pull of a name in a token's scope reaches now. */
  async current(name: string, askedAt: AskedAt): Promise<NameMeaning> {
    const found = this.#meant(name, askedAt);
    if (found === undefined) return { resolved: name, mirrored: false };
    if (found.kind === 'mirrored') return { resolved: found.target.storedName, mirrored: true };
    if (await this.#hosting.has(found.name)) return { resolved: name, mirrored: false };
    return { resolved: found.namesake.storedName, mirrored: true };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#options.core[Symbol.asyncDispose]();
  }

  async #bare(request: ResolveRequest, namesake: MirroredName): Promise<ResolvedRepository> {
    const { name, ns, intent, blob } = request;
    const hosted = this.#hosted(name, ns);
    const lender = this.#repository(namesake, true);
    if (intent === 'write') {
      this.#hosting.changing(name);
      return { ...hosted, namesake: lender };
    }
    if (await this.#hosting.has(name)) return hosted;
    if (blob !== undefined && (await this.#options.storage.layers.find(name, blob)) !== undefined)
      return hosted;
    return {
      asked: name,
      stored: namesake.storedName,
      mirrored: true,
      namespace: undefined,
      reader: lender,
      alternative: hosted,
    };
  }

  #hosted(name: RepositoryName, namespace: string | undefined): ResolvedRepository {
    return { asked: name, stored: name, mirrored: false, namespace, reader: this.#options.hosted(name) };
  }

  #mirrored(
    asked: RepositoryName,
    { target, bare, namespace }: { target: MirroredName; bare: boolean; namespace: string | undefined },
  ): ResolvedRepository {
    const reader = this.#repository(target, bare);
    return { asked, stored: target.storedName, mirrored: true, namespace, reader };
  }

  #repository(target: MirroredName, bare: boolean): MirroredRepository {
    const { upstream, upstreamName, storedName: stored } = target;
    return this.#options.core.repository(upstream, { upstreamName, stored, bare });
  }

  #denied(name: RepositoryName, upstreamName: string): RegistryError {
    return pushDenied(name, upstreamName, (component) => this.#directory.isReserved(component));
  }

  #meant(name: string, { host, upstream }: AskedAt) {
    if (!isRepositoryName(name)) return undefined;
    const prefix = upstream !== undefined && this.isUpstream(upstream) ? upstream : undefined;
    const found = this.#directory.resolve({ name, host, prefix });
    return found.kind === 'bare' || found.kind === 'mirrored' ? found : undefined;
  }
}
