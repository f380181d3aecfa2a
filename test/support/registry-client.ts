import { createHash } from 'node:crypto';
import type { Answer, HttpClient, SendOptions } from './http-client.ts';

export type Algorithm = 'sha256' | 'sha512';

export function digestOf(content: Uint8Array, algorithm: Algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

/** What a test says of an answer that it did not expect. */
export class UnexpectedAnswer extends Error {
  readonly status: number;

  constructor(what: string, answer: Answer) {
    super(`${what}: ${answer.status} ${answer.body.subarray(0, 500).toString()}`);
    this.status = answer.status;
  }
}

/** The requests of the specification, one method each, on one repository. Names and bytes go out as given. */
export class RepositoryClient {
  readonly #http: HttpClient;
  readonly #origin: string;
  readonly name: string;

  /** `origin` is `http://host:port`. */
  constructor(http: HttpClient, { origin, name }: { readonly origin: string; readonly name: string }) {
    this.#http = http;
    this.#origin = origin;
    this.name = name;
  }

  /** `path` is relative to `/v2/<name>/`, or a Location that was answered. */
  send(path: string, options?: SendOptions): Promise<Answer> {
    return this.#http.send(this.#url(path), options);
  }

  /** As `send`, for one status alone. @throws UnexpectedAnswer */
  async expect(status: number, path: string, options: SendOptions = {}): Promise<Answer> {
    const answer = await this.send(path, options);
    if (answer.status !== status) throw new UnexpectedAnswer(`${options.method ?? 'GET'} ${path}`, answer);
    return answer;
  }

  /** Begins a session and gives its Location. */
  async startUpload(): Promise<string> {
    return location(await this.expect(202, 'blobs/uploads/', { method: 'POST' }));
  }

  /** Appends a chunk and gives the next Location. With `from` it goes with a Content-Range that begins there. */
  async patch(
    session: string,
    chunk: SendOptions['body'] & {},
    options: { from?: number } = {},
  ): Promise<string> {
    const { from } = options;
    const range =
      from !== undefined && chunk instanceof Uint8Array
        ? { 'content-range': `${from}-${from + chunk.byteLength - 1}` }
        : {};
    const headers = { 'content-type': 'application/octet-stream', ...range };
    return location(await this.expect(202, session, { method: 'PATCH', headers, body: chunk }));
  }

  /** Ends a session; `rest` is what has not been sent yet. */
  async finish(session: string, digest: string, rest: Uint8Array = new Uint8Array()): Promise<void> {
    await this.expect(201, withDigest(session, digest), { method: 'PUT', body: rest });
  }

  /** Bytes that a session has, and where it goes on. */
  async uploadStatus(session: string): Promise<{ readonly size: number; readonly session: string }> {
    const answer = await this.expect(204, session);
    const [, last] = /^0-(\d+)$/.exec(answer.headers.range ?? '') ?? [];
    // `0-0` is nothing or one byte; whoever needs to know sends chunks of more than one.
    return { size: last === undefined || last === '0' ? 0 : Number(last) + 1, session: location(answer) };
  }

  /** Pushes a blob by POST and PUT and gives its digest. */
  async pushBlob(content: Uint8Array, algorithm: Algorithm = 'sha256'): Promise<string> {
    const digest = digestOf(content, algorithm);
    await this.finish(await this.startUpload(), digest, content);
    return digest;
  }

  /** As `pushBlob` by POST, PATCH and an empty PUT. */
  async pushBlobByPatch(content: Uint8Array): Promise<string> {
    const digest = digestOf(content);
    await this.finish(await this.patch(await this.startUpload(), content), digest);
    return digest;
  }

  /** Puts a manifest below a tag or its digest and gives its digest. */
  async putManifest(reference: string, manifest: object, algorithm: Algorithm = 'sha256'): Promise<string> {
    const body = Buffer.from(JSON.stringify(manifest));
    const headers = { 'content-type': 'mediaType' in manifest ? String(manifest.mediaType) : undefined };
    await this.expect(201, `manifests/${reference}`, { method: 'PUT', headers, body });
    return digestOf(body, algorithm);
  }

  /** The bytes of a blob, which are those of its digest. */
  async getBlob(digest: string): Promise<Buffer> {
    return this.#verified(digest, `blobs/${digest}`);
  }

  /** The bytes of a manifest by its digest. */
  async getManifest(digest: string): Promise<Buffer> {
    return this.#verified(digest, `manifests/${digest}`);
  }

  /** The digest that a tag leads to. */
  async resolve(tag: string): Promise<string> {
    const { body } = await this.expect(200, `manifests/${tag}`, { headers: { accept: everyManifest } });
    return digestOf(body);
  }

  async #verified(digest: string, path: string): Promise<Buffer> {
    const { body } = await this.expect(200, path, { headers: { accept: everyManifest } });
    const found = digestOf(body, digest.startsWith('sha512:') ? 'sha512' : 'sha256');
    if (found !== digest) throw new Error(`${path}: ${body.byteLength} bytes of ${found}`);
    return body;
  }

  #url(path: string): URL {
    if (/^https?:/.test(path)) return new URL(path);
    return new URL(path.startsWith('/') ? path : `/v2/${this.name}/${path}`, this.#origin);
  }
}

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

const everyManifest = [
  mediaTypes.index,
  mediaTypes.manifest,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** A session's URL with the digest beside what its query already says. */
export function withDigest(session: string, digest: string): string {
  return `${session}${session.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}

function location(answer: Answer): string {
  if (answer.headers.location === undefined) throw new UnexpectedAnswer('an answer without Location', answer);
  return answer.headers.location;
}
