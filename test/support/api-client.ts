import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import { type Digest, type DigestAlgorithm, digestOf } from '../../src/oci/digest.ts';
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST } from '../../src/oci/media-types.ts';
import type { TestRegistry } from './test-registry.ts';

/** A whole answer. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body as JSON. */
  readonly json: unknown;
  /** The codes of the specification's error body; empty where it is none. */
  readonly codes: readonly string[];
}

export interface ApiRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete' | 'options';

const agent = new Agent({ keepAlive: true });
const servers = new WeakMap<TestRegistry, Server>();

/** One server for all requests of a test: supertest makes one for each, which costs ten times as much. */
async function serverOf(registry: TestRegistry): Promise<Server> {
  const server = servers.get(registry) ?? createServer(registry.app).listen(0, '127.0.0.1').unref();
  servers.set(registry, server);
  if (!server.listening) await once(server, 'listening');
  return server;
}

/** Sends one request to the application; follows nothing, decodes nothing. */
export function send(
  registry: TestRegistry,
  line: `${Uppercase<Method>} ${string}`,
  options: ApiRequest = {},
): Promise<ApiAnswer> {
  const space = line.indexOf(' ');
  return sendTarget(registry, { ...options, method: line.slice(0, space), target: line.slice(space + 1) });
}

export function answerOf(parts: Pick<ApiAnswer, 'status' | 'headers' | 'body'>): ApiAnswer {
  return {
    ...parts,
    get json(): unknown {
      return JSON.parse(parts.body.toString());
    },
    get codes(): readonly string[] {
      const type = parts.headers['content-type'];
      if (parts.status < 400 || type !== 'application/json' || parts.body.length === 0) return [];
      const { errors } = JSON.parse(parts.body.toString());
      return errors.map((error: { code: string }) => error.code);
    },
  };
}

/** Path and query of a Location header, absolute or relative. */
export function locationOf(answer: ApiAnswer): string {
  const { pathname, search } = new URL(answer.headers.location ?? '', 'http://any');
  return pathname + search;
}

/** @returns the path of a new upload session */
export async function startUpload(registry: TestRegistry, name: string): Promise<string> {
  return locationOf(await send(registry, `POST /v2/${name}/blobs/uploads/`));
}

/** Pushes a blob in one request. */
export async function pushBlob(
  registry: TestRegistry,
  { name, content, algorithm = 'sha256' }: { name: string; content: Uint8Array; algorithm?: DigestAlgorithm },
): Promise<Digest> {
  const digest = digestOf(content, algorithm);
  const session = await startUpload(registry, name);
  const answer = await send(registry, `PUT ${session}?digest=${digest}`, { body: content });
  if (answer.status !== 201) throw new Error(`blob push: ${answer.status} ${answer.body}`);
  return digest;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [field: string]: unknown;
}

export const EMPTY_CONFIG = Buffer.from('{}');

/** An image manifest over an empty config, which `pushImage` brings along. */
export function imageManifest(fields: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_IMAGE_CONFIG, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length },
      layers: [],
      ...fields,
    }),
  );
}

/** PUTs a manifest as it is. */
export function putManifest(
  registry: TestRegistry,
  path: string,
  content: Uint8Array | string,
): Promise<ApiAnswer> {
  const { mediaType = OCI_IMAGE_MANIFEST } = mediaTypeOf(content);
  return send(registry, `PUT /v2/${path}`, { headers: { 'content-type': mediaType }, body: content });
}

function mediaTypeOf(content: Uint8Array | string): { readonly mediaType?: string } {
  try {
    const value = JSON.parse(Buffer.from(content).toString());
    return typeof value?.mediaType === 'string' ? value : {};
  } catch {
    return {};
  }
}

export interface PushedManifest {
  readonly digest: Digest;
  readonly content: Buffer;
  readonly descriptor: Descriptor;
}

/** Pushes the empty config and an image manifest. */
export async function pushImage(
  registry: TestRegistry,
  {
    name,
    reference,
    fields = {},
  }: { name: string; reference?: string; fields?: Readonly<Record<string, unknown>> },
): Promise<PushedManifest> {
  await pushBlob(registry, { name, content: EMPTY_CONFIG });
  const content = imageManifest(fields);
  const digest = digestOf(content);
  const answer = await putManifest(registry, `${name}/manifests/${reference ?? digest}`, content);
  if (answer.status !== 201) throw new Error(`manifest push: ${answer.status} ${answer.body}`);
  return { digest, content, descriptor: { mediaType: OCI_IMAGE_MANIFEST, digest, size: content.length } };
}

/** As `send`, for a method or target of any kind: it goes out as it is, no URL parser takes `..` out of it. */
export async function sendTarget(
  registry: TestRegistry,
  { method, target, headers = {}, body }: ApiRequest & { readonly method: string; readonly target: string },
): Promise<ApiAnswer> {
  const server = await serverOf(registry);
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const outgoing = httpRequest({
    agent,
    host: '127.0.0.1',
    port,
    method,
    path: target,
    headers: { ...length, ...headers },
  });
  outgoing.end(body);
  const [incoming] = await once(outgoing, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return answerOf({ status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks) });
}
