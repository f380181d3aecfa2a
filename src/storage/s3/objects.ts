import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type ObjectCannedACL,
  PutObjectCommand,
  type PutObjectCommandInput,
  type ServerSideEncryption,
  type StorageClass,
} from '@aws-sdk/client-s3';
import type { ByteRange } from '../../oci/byte-range.ts';
import { StorageUnavailableError } from '../storage-errors.ts';
import { type Caller, ExpectedFailure } from './caller.ts';
import { chunksOf } from './large-bodies.ts';
import type { S3Options } from './s3-options.ts';

/** Bytes to send, as often as it takes. */
export interface Content {
  readonly size: number;
  chunks(): Iterable<Uint8Array>;
}

export function contentOf(bytes: Uint8Array): Content {
  return { size: bytes.byteLength, chunks: () => [bytes] };
}

/** Up to here a body is signed with its hash; above, hashing again what is hashed anyway costs too much. */
const SIGNED_BODY = 64 * 1024;

/** As the SDK wants it, for one try. */
export function bodyOf(content: Content): { Body: Uint8Array | Readable; ContentLength: number } {
  const ContentLength = content.size;
  if (content.size > SIGNED_BODY) {
    return { Body: Readable.from(content.chunks(), { objectMode: false }), ContentLength };
  }
  return { Body: Buffer.concat([...content.chunks()]), ContentLength };
}

/** How new objects are kept: encryption, storage class, ACL. */
export type ObjectAttributes = Pick<
  PutObjectCommandInput,
  'ContentType' | 'ServerSideEncryption' | 'SSEKMSKeyId' | 'StorageClass' | 'ACL'
>;

export function attributesOf(options: S3Options): ObjectAttributes {
  const { encrypt, keyId, storageClass, objectAcl } = options;
  const kms = keyId !== undefined && keyId !== '';
  const encryption: ServerSideEncryption = kms ? 'aws:kms' : 'AES256';
  return {
    ContentType: 'application/octet-stream',
    ...(encrypt === true ? { ServerSideEncryption: encryption } : {}),
    ...(encrypt === true && kms ? { SSEKMSKeyId: keyId } : {}),
    ...(isDefault(storageClass, ['', 'NONE', 'STANDARD'])
      ? {}
      : { StorageClass: storageClass as StorageClass }),
    ...(isDefault(objectAcl, ['', 'private']) ? {} : { ACL: objectAcl as ObjectCannedACL }),
  };
}

const isDefault = (value: string | undefined, defaults: readonly string[]): boolean =>
  value === undefined || defaults.includes(value);

/** An object whose first byte may be read. */
export interface OpenObject {
  /** Bytes of the whole object. */
  readonly size: number;
  readonly etag: string;
  readonly modifiedAt: Date;
  /** The range; must be read to its end or destroyed. */
  readonly body: Readable;
}

export interface GetOptions {
  readonly range?: ByteRange | undefined;
  /** Only this version: ExpectedFailure `precondition` otherwise. */
  readonly ifMatch?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PutConditions {
  /** Only when there is no object yet. */
  readonly ifNew?: boolean;
  /** Only in the place of this version. */
  readonly ifMatch?: string;
}

/** Single objects of the bucket. */
export class Objects {
  readonly #caller: Caller;
  readonly #attributes: ObjectAttributes;

  constructor(caller: Caller, attributes: ObjectAttributes) {
    this.#caller = caller;
    this.#attributes = attributes;
  }

  /** @throws KeyNotFoundError; ExpectedFailure `precondition` or `range` */
  get(key: string, { range, ifMatch, signal }: GetOptions = {}): Promise<OpenObject> {
    const { client, bucket } = this.#caller;
    const input = {
      Bucket: bucket,
      Key: this.#caller.nameOf(key),
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
      ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
    };
    return this.#caller.call(
      async (http) => {
        const answer = await client.send(new GetObjectCommand(input), http);
        const { Body: body, ETag: etag = '', LastModified: modifiedAt = new Date(0) } = answer;
        if (!(body instanceof Readable)) throw new TypeError('the SDK gave no stream');
        const total = answer.ContentRange?.split('/')[1];
        return { size: Number(total ?? answer.ContentLength), etag, modifiedAt, body };
      },
      { doing: 'read', key, signal, expected: ['precondition', 'range'] },
    );
  }

  /**
   * @returns the ETag
   * @throws ExpectedFailure `precondition` when a condition does not hold; the object may be ours nevertheless
   * when the failure is ambiguous
   */
  put(key: string, content: Content, conditions: PutConditions = {}): Promise<string> {
    const { client, bucket } = this.#caller;
    const conditional = conditions.ifNew === true || conditions.ifMatch !== undefined;
    const input = {
      ...this.#attributes,
      Bucket: bucket,
      Key: this.#caller.nameOf(key),
      ...(conditions.ifNew === true ? { IfNoneMatch: '*' } : {}),
      ...(conditions.ifMatch === undefined ? {} : { IfMatch: conditions.ifMatch }),
    };
    return this.#caller
      .call(
        async (http) =>
          (await client.send(new PutObjectCommand({ ...input, ...bodyOf(content) }), http)).ETag ?? '',
        {
          doing: 'write',
          key,
          long: content.size > SIGNED_BODY,
          // What is to be replaced and is gone is answered with 404.
          expected: conditional ? ['precondition', 'no-key'] : [],
        },
      )
      .catch((error: unknown) => {
        if (error instanceof ExpectedFailure && error.failure === 'no-key') {
          throw new ExpectedFailure('precondition', { cause: error, ambiguous: error.ambiguous });
        }
        throw error;
      });
  }

  /** Copies an object of at most 5 GiB, without its bytes passing through here. */
  async copy(source: string, key: string): Promise<void> {
    const { client, bucket } = this.#caller;
    const { ContentType: _, ...attributes } = this.#attributes;
    const input = {
      ...attributes,
      Bucket: bucket,
      Key: this.#caller.nameOf(key),
      CopySource: this.#caller.copySourceOf(source),
    };
    await this.#caller.call((http) => client.send(new CopyObjectCommand(input), http), {
      doing: `copy ${source} to`,
      key,
      long: true,
    });
  }

  /** What is not there is deleted. */
  async delete(key: string): Promise<void> {
    const { client, bucket } = this.#caller;
    const input = { Bucket: bucket, Key: this.#caller.nameOf(key) };
    try {
      await this.#caller.call((http) => client.send(new DeleteObjectCommand(input), http), {
        doing: 'delete',
        key,
        expected: ['no-key'],
      });
    } catch (error) {
      if (!(error instanceof ExpectedFailure)) throw error;
    }
  }
}

/**
 * A small object, whole, with its ETag.
 * @throws KeyNotFoundError
 */
export async function readWhole(objects: Objects, key: string): Promise<{ content: Buffer; etag: string }> {
  const { body, etag } = await objects.get(key);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of chunksOf(body)) chunks.push(Buffer.from(chunk));
  } catch (error) {
    throw new StorageUnavailableError(`S3 broke off while ${key} was read`, { cause: error });
  }
  return { content: Buffer.concat(chunks), etag };
}
