import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, type FaultKind, FaultScript, type S3Operation } from './s3-faults.ts';
import { carryOut, failure, type S3Answer, type S3Request } from './s3-operations.ts';
import { S3Store } from './s3-store.ts';

export const ACCESS_KEY = 'in-process';
export const SECRET_KEY = 'in-process-secret';

/** An S3 in this process with one bucket, which fails as it is told. It trusts every signature of its access key. */
export class InProcessS3 implements AsyncDisposable {
  readonly bucket = 'registry';
  readonly accessKey = ACCESS_KEY;
  readonly secretKey = SECRET_KEY;
  readonly store = new S3Store();
  readonly script = new FaultScript();
  /** False: the bucket is gone. */
  exists = true;
  /** False: conditions on writes are ignored, as older servers do. */
  conditional = true;
  #endpoint = '';
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  static async start(): Promise<InProcessS3> {
    const server = new InProcessS3();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    server.#endpoint = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    return server;
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  fail(fault: Fault): void {
    this.script.add(fault);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', this.#endpoint);
    const [, bucket = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const { headers } = message;
    const operation = operationOf(message, key, url.searchParams);
    const fault = this.script.next({ operation, key, headers });
    if (fault?.kind === 'reset') {
      message.socket.resetAndDestroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const request = { operation, key, headers, query: url.searchParams, body: Buffer.concat(chunks) };
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'wait') await fault.until;
    const answer = this.#refusal(bucket, request, fault) ?? carryOut(this.store, this.#conditions(request));
    if (fault?.kind === 'lost-answer') message.socket.resetAndDestroy();
    else send(response, answer, { cut: fault?.kind === 'cut', head: message.method === 'HEAD' });
  }

  #refusal(
    bucket: string,
    { headers, query, operation }: S3Request,
    fault?: FaultKind,
  ): S3Answer | undefined {
    if (fault?.kind === 'answer') return failure(fault.status, fault.code);
    if (fault?.kind === 'error-in-200') return { ...failure(200, fault.code), status: 200 };
    const credential = headers.authorization ?? query.get('X-Amz-Credential') ?? '';
    if (!credential.toString().includes(ACCESS_KEY)) return failure(403, 'InvalidAccessKeyId');
    if (this.exists && bucket === this.bucket) return undefined;
    return operation === 'HeadObject' ? { status: 404 } : failure(404, 'NoSuchBucket');
  }

  #conditions(request: S3Request): S3Request {
    if (this.conditional || request.operation !== 'PutObject') return request;
    const { 'if-match': _match, 'if-none-match': _none, ...headers } = request.headers;
    return { ...request, headers };
  }
}

function operationOf({ method, headers }: IncomingMessage, key: string, query: URLSearchParams): S3Operation {
  const inUpload = query.has('uploadId');
  switch (method) {
    case 'HEAD':
      return 'HeadObject';
    case 'DELETE':
      return inUpload ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      return inUpload ? 'CompleteMultipartUpload' : 'CreateMultipartUpload';
    case 'PUT':
      if (headers['x-amz-copy-source'] !== undefined) return inUpload ? 'UploadPartCopy' : 'CopyObject';
      return inUpload ? 'UploadPart' : 'PutObject';
    default:
      if (inUpload) return 'ListParts';
      if (query.has('uploads')) return 'ListMultipartUploads';
      return key === '' ? 'ListObjectsV2' : 'GetObject';
  }
}

function send(response: ServerResponse, answer: S3Answer, how: { cut: boolean; head: boolean }): void {
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
  if (how.head) response.end();
  else if (how.cut) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  else response.end(body);
}
