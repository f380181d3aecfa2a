import Koa from 'koa';
import type { Caller } from './oci/access.ts';
import { RegistryError } from './oci/errors.ts';
import { clientAddress } from './operations/client-address.ts';
import { reasonOf } from './operations/error-description.ts';
import type { Request } from './operations/exchange.ts';
import type { Logger } from './operations/logger.ts';
import { type ExternalOrigin, externalOrigin, forwardedProtocol } from './operations/request-origin.ts';
import { isClientGone, registryErrorOf } from './registry/error-answer.ts';
import type { RegistryApi, RequestState } from './registry/registry-api.ts';
import { createRegistryRouter } from './registry/routes.ts';
import { searchRoutes } from './registry/search.ts';

export interface AppSettings {
  /** distribution's `http.host`. */
  readonly host: string | undefined;
  /** distribution's `http.prefix`: what stands before every path, without a slash at its end. */
  readonly prefix: string;
  /** distribution's `http.headers`. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly trustedProxies: Parameters<typeof clientAddress>[1];
}

/** Which mirrored registry a request means, whatever repository it asks for. */
export interface UpstreamFinder {
  /** Whether a component before `/v2/` names one (`/gcr.io/v2/…`). */
  isUpstream(component: string): boolean;
  /** The one that `ns`, host or path lead to; undefined where bare names are meant here. */
  implied(request: {
    readonly host: string;
    readonly ns: string | undefined;
    readonly prefix: string | undefined;
  }): string | undefined;
}

export interface AppDependencies {
  readonly api: RegistryApi;
  readonly logger: Logger;
  readonly settings: AppSettings;
  readonly newRequestId: () => string;
  /** Left out where nothing is mirrored. */
  readonly upstreams?: UpstreamFinder;
  /** What else answers below this server's root, asked behind the registry's own paths. */
  readonly extensions?: readonly Koa.Middleware[];
}

type AppContext = Koa.ParameterizedContext<RequestState>;

/** The HTTP application: no sockets, no files. */
export function createApp(dependencies: AppDependencies): Koa<RequestState> {
  const { api, settings } = dependencies;
  const app = new Koa<RequestState>();
  app.on('error', (error: unknown) => {
    if (isConnectionError(error)) dependencies.logger.debug({ err: error }, 'a connection broke');
    else dependencies.logger.error({ err: error }, 'an answer could not be sent');
  });
  app.use((ctx, next) => withErrorAnswers(ctx, dependencies, next));
  app.use((ctx, next) => withRequestState(ctx, dependencies, next));
  app.use((ctx, next) => {
    refuseUnreadableTarget(ctx);
    return next();
  });
  if (settings.prefix !== '') app.use((ctx, next) => belowPrefix(ctx, settings.prefix, next));
  const { upstreams } = dependencies;
  if (upstreams !== undefined) app.use((ctx, next) => belowRegistry(ctx, upstreams, next));
  app.use((ctx, next) => {
    if (ctx.path.startsWith('/v2/') || ctx.path === '/v2') {
      ctx.set('Docker-Distribution-Api-Version', 'registry/2.0');
      refuseEncodedSlashes(ctx.path);
    }
    return next();
  });
  app.use(createRegistryRouter(api).routes());
  for (const extension of dependencies.extensions ?? []) app.use(extension);
  app.use(searchRoutes({ ...api, catalog: api.storage.catalog }));
  app.use((ctx) => {
    if (ctx.path !== '/') throw new RegistryError('NOT_FOUND', { message: `there is nothing at this path` });
    ctx.status = 200;
    ctx.body = 'Fairlead: an OCI registry. Its API is below /v2/.\n';
  });
  return app;
}

/** What Koa reports when the client is gone, or takes no more of an answer. */
const CONNECTION_ERRORS: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CONNECTION_ERRORS.has(error.code);
}

/** Tag, digest or session at the end of a path. */
const REFERENCE = /\/(?:manifests|blobs|uploads|referrers)\/([^/?]+)(?:\?|$)/;

/** A registry before `/v2/`. */
const BELOW_REGISTRY = /^\/([^/]+)(\/v2(?:\/.*)?)$/;

/** What is known of every request; most of it worked out only where somebody asks. */
class RequestCaller implements Caller {
  readonly requestId: string;
  /** Looked at first of all: HTTP/2 does not know it any more once the client is gone. */
  readonly address: string;
  readonly #req: Request;
  readonly #settings: AppSettings;
  readonly #upstreams: UpstreamFinder | undefined;
  /** As it came: Koa changes the request's own when a prefix is taken off. */
  readonly #url: string;
  #external: ExternalOrigin | undefined;

  constructor(req: Request, requestId: string, { settings, upstreams }: AppDependencies) {
    this.#req = req;
    this.#url = req.url ?? '';
    this.requestId = requestId;
    this.address = clientAddress(req, settings.trustedProxies);
    this.#settings = settings;
    this.#upstreams = upstreams;
  }

  get upstream(): string | undefined {
    if (this.#upstreams === undefined) return undefined;
    const [path = '', query] = this.#url.split('?', 2);
    const { prefix } = this.#settings;
    const below = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
    const registry = BELOW_REGISTRY.exec(below)?.[1];
    const ns = query === undefined ? undefined : (new URLSearchParams(query).get('ns') ?? undefined);
    return this.#upstreams.implied({ host: this.reachedBy, ns, prefix: registry });
  }

  get authorization(): string | undefined {
    return this.#req.headers.authorization;
  }

  get origin(): string {
    return this.external.origin;
  }

  get host(): string {
    return this.external.host;
  }

  /** `http.host` is one name for what may be reached by several, each of them an upstream's. */
  get reachedBy(): string {
    return this.#settings.host === undefined ? this.host : externalOrigin(this.#req).host;
  }

  get urlPrefix(): string {
    return this.#settings.prefix === '' ? this.external.prefix : this.#settings.prefix;
  }

  get reference(): string | undefined {
    return REFERENCE.exec(this.#req.url ?? '')?.[1];
  }

  get forwardedProto(): 'http' | 'https' | undefined {
    return forwardedProtocol(this.#req);
  }

  get external(): ExternalOrigin {
    const { host } = this.#settings;
    this.#external ??= externalOrigin(this.#req, host === undefined ? {} : { host });
    return this.#external;
  }
}

function withRequestState(ctx: AppContext, dependencies: AppDependencies, next: Koa.Next): Promise<void> {
  const { settings, newRequestId } = dependencies;
  const requestId = newRequestId();
  const caller = new RequestCaller(ctx.req, requestId, dependencies);
  ctx.state = {
    caller,
    get urlPrefix() {
      return caller.urlPrefix;
    },
    registryPrefix: undefined,
  };
  ctx.set('X-Request-Id', requestId);
  for (const name in settings.headers) ctx.set(name, [...(settings.headers[name] ?? [])]);
  return next();
}

function belowPrefix(ctx: AppContext, prefix: string, next: Koa.Next): Promise<void> {
  if (!ctx.path.startsWith(`${prefix}/`)) {
    throw new RegistryError('NOT_FOUND', { message: `this registry is below ${prefix}/` });
  }
  ctx.path = ctx.path.slice(prefix.length);
  return next();
}

/** Node lets through what is no path and no URL; reading it throws, or finds no path. */
function refuseUnreadableTarget(ctx: AppContext): void {
  const target = ctx.req.url ?? '';
  const isTarget = target.startsWith('/') || target === '*' || URL.canParse(target);
  if (isTarget && hasReadablePath(ctx)) return;
  throw new RegistryError('REQUEST_INVALID', { message: 'the request target is no path and no URL' });
}

/** A `//user@host` is read as a host where a `#` follows it, and may be none. */
function hasReadablePath(ctx: AppContext): boolean {
  try {
    return typeof ctx.path === 'string';
  } catch {
    return false;
  }
}

/** What a successful answer says of its content, and an error must not. */
const CONTENT_HEADERS = [
  'Accept-Ranges',
  'Cache-Control',
  'Content-Range',
  'Docker-Content-Digest',
  'ETag',
  'Location',
  'Transfer-Encoding',
];

/** Newer docker daemons put the path of a `registry-mirrors` URL before `/v2/`: the registry that they mean. */
function belowRegistry(ctx: AppContext, upstreams: UpstreamFinder, next: Koa.Next): Promise<void> {
  const [, registry, path] = BELOW_REGISTRY.exec(ctx.path) ?? [];
  if (registry !== undefined && path !== undefined && upstreams.isUpstream(registry)) {
    const { caller, urlPrefix } = ctx.state;
    ctx.state = { caller, registryPrefix: registry, urlPrefix: `${urlPrefix}/${registry}` };
    ctx.path = path;
  }
  return next();
}

/** An encoded slash is read as one by some and as a character by others: nothing here has it in its name. */
function refuseEncodedSlashes(path: string): void {
  if (!/%2f|%5c/i.test(path)) return;
  throw new RegistryError('NAME_INVALID', { message: 'the path holds an encoded slash: write it as it is' });
}

async function withErrorAnswers(ctx: AppContext, { logger }: AppDependencies, next: Koa.Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    const requestId = ctx.response.get('X-Request-Id');
    if (isClientGone(error)) {
      logger.debug({ requestId }, 'the client went away');
      ctx.respond = false;
      return;
    }
    const known = registryErrorOf(error);
    const answer =
      known ?? new RegistryError('UNKNOWN', { message: `unknown error: the log has it as ${requestId}` });
    if (answer.status >= 500) {
      // An outage fails every request: each says why in one line, without a stack.
      const why = known === undefined ? { err: error } : { reason: reasonOf(known) };
      logger.error({ ...why, requestId, status: answer.status }, 'request failed');
    }
    if (ctx.res.headersSent) {
      ctx.respond = false;
      ctx.res.destroy();
      return;
    }
    answerError(ctx, answer);
  }
}

function answerError(ctx: AppContext, error: RegistryError): void {
  const content = Buffer.from(JSON.stringify(error));
  for (const name of CONTENT_HEADERS) ctx.remove(name);
  ctx.respond = true;
  ctx.status = error.status;
  ctx.set(error.headers);
  ctx.set('Content-Type', 'application/json');
  ctx.set('Content-Length', String(content.length));
  if (ctx.method !== 'HEAD') ctx.body = content;
}
