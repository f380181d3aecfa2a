import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type Digest, digestFromHex, digestOf } from '../../../src/oci/digest.ts';
import { OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../../src/oci/media-types.ts';
import { SELF_SIGNED_CERTIFICATE, SELF_SIGNED_KEY } from '../self-signed.ts';

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly url: URL;
}

/** Answers a request in the place of the registry; `next` is the registry's own answer. */
export type Fault = (exchange: Exchange, next: () => void) => void;

interface Rule {
  readonly matches: (exchange: Exchange) => boolean;
  readonly fault: Fault;
  left: number;
}

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

interface Stored {
  readonly content: Buffer;
  readonly mediaType: string;
  readonly digest: Digest;
}

export interface ScriptedUpstreamOptions {
  /** How pulls are guarded. Default: not at all. */
  readonly auth?: 'none' | 'basic' | 'token';
  readonly user?: { readonly name: string; readonly password: string };
  /** Whether a token may be had without credentials. Default: unless a user is given. */
  readonly anonymous?: boolean;
  /** Whether there is a referrers API. Default: yes. */
  readonly referrers?: boolean;
  /** Speaks TLS, with a certificate that signed itself. */
  readonly tls?: boolean;
}

/** A registry in this process that does what it is told, counts what it is asked, and fails on command. */
export class ScriptedUpstream implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** Bytes of blobs that were handed to sockets. */
  blobBytes = 0;
  tokensGiven = 0;
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Stored>();
  readonly #rules: Rule[] = [];
  readonly #options: ScriptedUpstreamOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #tokens = new Map<string, string>();
  #port = 0;

  private constructor(options: ScriptedUpstreamOptions) {
    this.#options = options;
    const receive = (req: IncomingMessage, res: ServerResponse) => this.#receive(req, res);
    const tls = { cert: SELF_SIGNED_CERTIFICATE, key: SELF_SIGNED_KEY };
    this.#server = options.tls === true ? createTlsServer(tls, receive) : createServer(receive);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(options: ScriptedUpstreamOptions = {}): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(options);
    await upstream.listen();
    return upstream;
  }

  get url(): string {
    return `${this.#options.tls === true ? 'https' : 'http'}://127.0.0.1:${this.#port}`;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Takes requests, at the port it had before where it had one. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  /** Goes away: connections are cut and new ones refused. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  addBlob(content: Buffer): Digest {
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return digest;
  }

  /** @returns its digest */
  addManifest(
    repository: string,
    content: string | Buffer,
    options: { mediaType?: string; tag?: string } = {},
  ): Digest {
    const bytes = Buffer.from(content);
    const mediaType = options.mediaType ?? OCI_IMAGE_MANIFEST;
    const stored = { content: bytes, mediaType, digest: digestOf(bytes) };
    this.manifests.set(`${repository}@${stored.digest}`, stored);
    if (options.tag !== undefined) this.manifests.set(`${repository}@${options.tag}`, stored);
    return stored.digest;
  }

  /** An image of these layers, and of a config. @returns the manifest's digest */
  addImage(repository: string, tag: string, layers: readonly Buffer[]): Digest {
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: tag }));
    const describe = (mediaType: string, content: Buffer) => ({
      mediaType,
      digest: this.addBlob(content),
      size: content.length,
    });
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: describe(OCI_IMAGE_CONFIG, config),
      layers: layers.map((layer) => describe('application/vnd.oci.image.layer.v1.tar', layer)),
    };
    return this.addManifest(repository, JSON.stringify(manifest), { tag });
  }

  /** Lets a fault answer what matches, so often (default: always). A later rule goes before an earlier one. */
  on(
    match: RegExp | ((exchange: Exchange) => boolean),
    fault: Fault,
    times = Number.POSITIVE_INFINITY,
  ): void {
    const matches =
      match instanceof RegExp
        ? ({ req, url }: Exchange) => match.test(`${req.method} ${url.pathname}`)
        : match;
    this.#rules.unshift({ matches, fault, left: times });
  }

  /** Forgets all faults. */
  heal(): void {
    this.#rules.length = 0;
  }

  /** How many requests matched, as `METHOD /path?query`. */
  count(match: RegExp): number {
    return this.requests.filter(({ method, path }) => match.test(`${method} ${path}`)).length;
  }

  /** No token that was given before is taken any more. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  #receive(req: IncomingMessage, res: ServerResponse): unknown {
    const url = new URL(req.url ?? '/', this.url);
    this.requests.push({
      method: req.method ?? '',
      path: `${url.pathname}${url.search}`,
      headers: req.headers,
    });
    res.on('error', () => {});
    const exchange = { req, res, url };
    const rule = this.#rules.find(({ matches, left }) => left > 0 && matches(exchange));
    if (rule === undefined) return this.#answer(exchange);
    rule.left--;
    rule.fault(exchange, () => this.#answer(exchange));
  }

  #answer(exchange: Exchange): unknown {
    const { res, url } = exchange;
    if (url.pathname === '/token') return this.#token(exchange);
    if (!this.#authorized(exchange)) return;
    if (url.pathname === '/v2/') return res.writeHead(200).end('{}');
    const match = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(url.pathname);
    if (match === null) return notFound(res, 'NOT_FOUND');
    const [, repository = '', kind, reference = ''] = match;
    if (kind === 'manifests') return this.#manifest(exchange, `${repository}@${reference}`);
    if (kind === 'blobs') return this.#blob(exchange, reference);
    if (kind === 'tags') return this.#tags(exchange, repository);
    return this.#referrers(exchange, { repository, subject: reference });
  }

  #manifest({ req, res }: Exchange, key: string): unknown {
    const stored = this.manifests.get(key);
    if (stored === undefined) return notFound(res, 'MANIFEST_UNKNOWN');
    res.writeHead(200, {
      'content-type': stored.mediaType,
      'content-length': stored.content.length,
      'docker-content-digest': stored.digest,
    });
    res.end(req.method === 'HEAD' ? undefined : stored.content);
  }

  #blob({ req, res }: Exchange, digest: string): unknown {
    const content = this.blobs.get(digest);
    if (content === undefined) return notFound(res, 'BLOB_UNKNOWN');
    const range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    const start = range === null ? 0 : Number(range[1]);
    const end = range?.[2] ? Math.min(Number(range[2]), content.length - 1) : content.length - 1;
    if (range !== null && start >= content.length) return res.writeHead(416).end();
    const part = content.subarray(start, end + 1);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': part.length };
    if (range === null) res.writeHead(200, { ...headers, 'accept-ranges': 'bytes' });
    else res.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end}/${content.length}` });
    if (req.method === 'HEAD') return res.end();
    this.blobBytes += part.length;
    res.end(part);
  }

  #tags({ res, url }: Exchange, repository: string): unknown {
    const all = [...this.manifests.keys()]
      .filter((key) => key.startsWith(`${repository}@`))
      .map((key) => key.slice(repository.length + 1));
    const tags = all.filter((tag) => !tag.includes(':')).sort();
    if (all.length === 0) return notFound(res, 'NAME_UNKNOWN');
    const after = tags.filter((tag) => tag > (url.searchParams.get('last') ?? ''));
    const page = after.slice(0, Math.min(Number(url.searchParams.get('n') ?? 1000), 2));
    const more = after.length > page.length;
    const link = { link: `</v2/${repository}/tags/list?n=2&last=${page.at(-1)}>; rel="next"` };
    res.writeHead(200, { 'content-type': 'application/json', ...(more ? link : {}) });
    res.end(JSON.stringify({ name: repository, tags: page }));
  }

  #referrers({ res }: Exchange, { repository, subject }: { repository: string; subject: string }): unknown {
    if (this.#options.referrers === false) return notFound(res, 'NOT_FOUND');
    const manifests = [...this.manifests]
      .filter(([key]) => key.startsWith(`${repository}@sha256:`))
      .filter(([, { content }]) => content.includes('"subject"') && content.includes(subject))
      .map(([, { mediaType, digest, content }]) => ({ mediaType, digest, size: content.length }));
    res.writeHead(200, { 'content-type': OCI_IMAGE_INDEX });
    res.end(JSON.stringify({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }));
  }

  #authorized({ req, res, url }: Exchange): boolean {
    const { auth = 'none' } = this.#options;
    const given = req.headers.authorization;
    if (auth === 'none') return true;
    if (auth === 'basic') {
      if (given === this.#basic()) return true;
      res.writeHead(401, { 'www-authenticate': 'Basic realm="upstream"' }).end();
      return false;
    }
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url.pathname)?.[1];
    const scope = repository === undefined ? undefined : `repository:${repository}:pull`;
    const granted = this.#tokens.get(given ?? '');
    if (granted !== undefined && (scope === undefined || granted.split(' ').includes(scope))) return true;
    const asked = scope === undefined ? '' : `,scope="${scope}"`;
    const error = granted === undefined ? '' : ',error="insufficient_scope"';
    const challenge = `Bearer realm="${this.url}/token",service="upstream"${asked}${error}`;
    res.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    return false;
  }

  #token({ req, res, url }: Exchange): unknown {
    const { user, anonymous = user === undefined } = this.#options;
    const given = req.headers.authorization;
    const known = user !== undefined && given === this.#basic();
    if (!known && (given !== undefined || !anonymous)) return res.writeHead(401).end('{"errors":[]}');
    this.tokensGiven++;
    const token = createHash('sha256').update(`${this.url}${this.tokensGiven}`).digest('hex');
    this.#tokens.set(`Bearer ${token}`, url.searchParams.getAll('scope').join(' '));
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ token, expires_in: 300 }));
  }

  #basic(): string {
    const { name = '', password = '' } = this.#options.user ?? {};
    return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  }
}

function notFound(res: ServerResponse, code: string): void {
  res.writeHead(404, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ errors: [{ code }] }));
}

/** A digest of nothing that is anywhere. */
export function unknownDigest(seed: string): Digest {
  return digestFromHex('sha256', createHash('sha256').update(`unknown ${seed}`).digest('hex'));
}
