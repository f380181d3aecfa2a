import {
  isRepositoryNameComponent,
  parseRepositoryName,
  type RepositoryName,
} from '../../oci/repository-name.ts';
import { bareHost, bareNamespace } from './host-name.ts';

/** The names by which one upstream is found. */
export interface UpstreamNames {
  /** The name its images are known by (`docker.io`): one component of a repository name. */
  readonly name: string;
  /** `Host` headers that lead here, compared without port and case. */
  readonly hosts?: readonly string[];
  /** Other names of it. */
  readonly aliases?: readonly string[];
  /** Whether names of one component get `library/`. Default: no. */
  readonly dockerHub?: boolean;
}

/** How a client asks for a repository. */
export interface NameRequest {
  /** The name in the path, as asked. */
  readonly name: RepositoryName;
  /** The `ns` query parameter. */
  readonly ns?: string | undefined;
  /** The `Host` header. */
  readonly host?: string | undefined;
  /** The component that stands before `/v2/` in the path (`/gcr.io/v2/…`). */
  readonly prefix?: string | undefined;
}

/** A repository of an upstream. */
export interface MirroredName {
  /** The upstream's name in the configuration. */
  readonly upstream: string;
  /** What the upstream calls the repository (`library/nginx`), without the path of a URL. */
  readonly upstreamName: RepositoryName;
  /** What it is called here, in storage, tokens and rules (`docker.io/library/nginx`). */
  readonly storedName: RepositoryName;
}

export type Resolution =
  /** No upstream has to do with it. */
  | { readonly kind: 'hosted'; readonly name: RepositoryName }
  /** A hosted repository of that name where there is one, else its namesake at the default upstream. */
  | { readonly kind: 'bare'; readonly name: RepositoryName; readonly namesake: MirroredName }
  | { readonly kind: 'mirrored'; readonly how: 'ns' | 'host' | 'path'; readonly target: MirroredName }
  /** The name leads nowhere, whatever is stored. */
  | { readonly kind: 'unknown' };

interface Entry {
  readonly name: string;
  readonly dockerHub: boolean;
}

/**
 * Finds the upstream of a request, in the order of the design: `ns`, host, first path component, and at last the
 * default for bare names. Pure; whether a bare name is hosted is the caller's to see.
 */
export class UpstreamDirectory {
  readonly #byName = new Map<string, Entry>();
  readonly #byHost = new Map<string, Entry>();
  readonly #default: Entry | undefined;

  /**
   * @param defaultName left out: the first
   * @throws Error for names that cannot be, or that are given twice
   */
  constructor(upstreams: readonly UpstreamNames[], defaultName?: string) {
    const entries = upstreams.map((upstream) => this.#add(upstream));
    for (const [index, upstream] of upstreams.entries()) {
      const entry = entries[index];
      if (entry === undefined) continue;
      for (const alias of upstream.aliases ?? []) this.#addAlias(entry, alias);
      for (const host of upstream.hosts ?? []) this.#addHost(entry, host);
    }
    const wanted = defaultName?.toLowerCase() ?? entries[0]?.name;
    this.#default = wanted === undefined ? undefined : this.#byName.get(wanted);
    if (defaultName !== undefined && this.#default === undefined) {
      throw new Error(`the default upstream ${JSON.stringify(defaultName)} is not in the list of upstreams`);
    }
  }

  /** Whether a name is an upstream's name or alias: no hosted repository or user can begin with it. */
  isReserved(component: string): boolean {
    return this.#byName.has(component.toLowerCase());
  }

  /** The upstream that a request means whatever its name: by `ns`, host, or a path before `/v2/`. */
  implied({ ns, host, prefix }: Omit<NameRequest, 'name'>): string | undefined {
    const byNs = ns === undefined ? undefined : this.#byName.get(bareNamespace(ns));
    const byHost = host === undefined ? undefined : this.#byHost.get(bareHost(host));
    return (byNs ?? byHost ?? this.#byName.get(prefix?.toLowerCase() ?? ''))?.name;
  }

  /** @throws RegistryError NAME_INVALID when the name under which it would be stored is too long */
  resolve(request: NameRequest): Resolution {
    const { name } = request;
    const prefixed =
      request.prefix === undefined ? undefined : this.#byName.get(request.prefix.toLowerCase());
    if (request.prefix !== undefined && prefixed === undefined) return { kind: 'unknown' };

    const [first = '', ...rest] = name.split('/');
    const named = this.#byName.get(first);
    const ns = request.ns === undefined ? '' : bareNamespace(request.ns);
    if (ns !== '') {
      const found = this.#byName.get(ns);
      if (found !== undefined) return { kind: 'mirrored', how: 'ns', target: this.#target(found, name) };
      return named === undefined ? { kind: 'hosted', name } : { kind: 'unknown' };
    }
    const byHost = request.host === undefined ? undefined : this.#byHost.get(bareHost(request.host));
    if (byHost !== undefined) return { kind: 'mirrored', how: 'host', target: this.#target(byHost, name) };
    if (prefixed !== undefined) {
      return { kind: 'mirrored', how: 'path', target: this.#target(prefixed, name) };
    }
    if (named !== undefined) {
      if (rest.length === 0) return { kind: 'unknown' };
      return { kind: 'mirrored', how: 'path', target: this.#target(named, name) };
    }
    if (this.#default === undefined) return { kind: 'hosted', name };
    return { kind: 'bare', name, namesake: this.#target(this.#default, name) };
  }

  #target(entry: Entry, asked: RepositoryName): MirroredName {
    const slash = asked.indexOf('/');
    const repeated = slash > 0 && this.#byName.get(asked.slice(0, slash)) === entry;
    const rest = repeated ? asked.slice(slash + 1) : asked;
    const upstreamName = entry.dockerHub && !rest.includes('/') ? `library/${rest}` : rest;
    return {
      upstream: entry.name,
      upstreamName: parseRepositoryName(upstreamName),
      storedName: parseRepositoryName(`${entry.name}/${upstreamName}`),
    };
  }

  #add(upstream: UpstreamNames): Entry {
    const name = upstream.name.toLowerCase();
    if (!isRepositoryNameComponent(name)) {
      throw new Error(
        `an upstream's name must be able to begin a repository name, without port: ${JSON.stringify(upstream.name)}`,
      );
    }
    if (this.#byName.has(name)) throw new Error(`the upstream ${name} is listed twice`);
    const entry = { name, dockerHub: upstream.dockerHub ?? false };
    this.#byName.set(name, entry);
    return entry;
  }

  #addAlias(entry: Entry, alias: string): void {
    const key = bareNamespace(alias);
    const other = this.#byName.get(key);
    if (other !== undefined && other !== entry) {
      throw new Error(`${key} is the name or an alias of both ${other.name} and ${entry.name}`);
    }
    this.#byName.set(key, entry);
  }

  #addHost(entry: Entry, host: string): void {
    const key = bareHost(host);
    const other = this.#byHost.get(key);
    if (other !== undefined && other !== entry) {
      throw new Error(`the host ${key} leads to both ${other.name} and ${entry.name}`);
    }
    this.#byHost.set(key, entry);
  }
}
