import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { StorageUnavailableError } from '../storage-errors.ts';
import { type Caller, ExpectedFailure } from './caller.ts';
import type { CopyPart } from './copies.ts';
import { bodyOf, type Content, type ObjectAttributes } from './objects.ts';

export interface Multipart {
  readonly key: string;
  readonly id: string;
}

export interface PartTag {
  readonly number: number;
  readonly etag: string;
}

/** The multipart uploads of the bucket. */
export class Multiparts {
  readonly #caller: Caller;
  readonly #attributes: ObjectAttributes;

  constructor(caller: Caller, attributes: ObjectAttributes) {
    this.#caller = caller;
    this.#attributes = attributes;
  }

  create(key: string): Promise<Multipart> {
    const { client, bucket } = this.#caller;
    const input = { ...this.#attributes, Bucket: bucket, Key: this.#caller.nameOf(key) };
    return this.#caller.call(
      async (http) => {
        const { UploadId: id } = await client.send(new CreateMultipartUploadCommand(input), http);
        if (id === undefined) throw new StorageUnavailableError('S3 began an upload without a name');
        return { key, id };
      },
      { doing: 'begin to write', key },
    );
  }

  async send(upload: Multipart, number: number, content: Content): Promise<PartTag> {
    const { client } = this.#caller;
    return this.#caller.call(
      async (http) => {
        const input = { ...this.#inputOf(upload), PartNumber: number, ...bodyOf(content) };
        return { number, etag: (await client.send(new UploadPartCommand(input), http)).ETag ?? '' };
      },
      { doing: `write part ${number} of`, key: upload.key, long: true },
    );
  }

  /** Makes an object, or a range of it, a part, without its bytes passing through here. */
  copy(upload: Multipart, number: number, { source, range }: CopyPart): Promise<PartTag> {
    const { client } = this.#caller;
    const input = {
      ...this.#inputOf(upload),
      PartNumber: number,
      CopySource: this.#caller.copySourceOf(source),
      ...(range === undefined ? {} : { CopySourceRange: `bytes=${range.start}-${range.end}` }),
    };
    return this.#caller.call(
      async (http) => {
        const answer = await client.send(new UploadPartCopyCommand(input), http);
        return { number, etag: answer.CopyPartResult?.ETag ?? '' };
      },
      { doing: `copy part ${number} of`, key: upload.key, long: true },
    );
  }

  /**
   * Puts the object in place, made of exactly these parts.
   * @throws ExpectedFailure `no-upload`: when ambiguous, a try before may have done it
   */
  async complete(upload: Multipart, parts: readonly PartTag[]): Promise<void> {
    const { client } = this.#caller;
    const input = {
      ...this.#inputOf(upload),
      MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
    };
    await this.#caller.call((http) => client.send(new CompleteMultipartUploadCommand(input), http), {
      doing: 'put in place',
      key: upload.key,
      long: true,
      expected: ['no-upload'],
    });
  }

  /** What is not there is aborted. */
  async abort(upload: Multipart): Promise<void> {
    const { client } = this.#caller;
    try {
      await this.#caller.call(
        (http) => client.send(new AbortMultipartUploadCommand(this.#inputOf(upload)), http),
        { doing: 'abort the upload of', key: upload.key, expected: ['no-upload', 'no-key'] },
      );
    } catch (error) {
      if (!(error instanceof ExpectedFailure)) throw error;
    }
  }

  /** Begun and neither completed nor aborted, below a prefix or, on minio, at that very key alone. */
  async *unfinished(prefix: string, signal?: AbortSignal): AsyncGenerator<Multipart & { begunAt: Date }> {
    const { client, bucket } = this.#caller;
    let marker = {};
    for (;;) {
      const input = { Bucket: bucket, Prefix: this.#caller.nameOf(prefix), ...marker };
      const page = await this.#caller.call(
        (http) => client.send(new ListMultipartUploadsCommand(input), http),
        { doing: 'list the uploads below', key: prefix, signal },
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined) continue;
        yield { key: this.#caller.keyOf(Key), id: UploadId, begunAt: Initiated ?? new Date(0) };
      }
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
      marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  }

  /** When a part came last; undefined when none did, or the upload is gone. */
  async lastPartAt(upload: Multipart): Promise<Date | undefined> {
    const { client } = this.#caller;
    let last: Date | undefined;
    let marker = {};
    try {
      for (;;) {
        const input = { ...this.#inputOf(upload), ...marker };
        const page = await this.#caller.call((http) => client.send(new ListPartsCommand(input), http), {
          doing: 'list the parts of',
          key: upload.key,
          expected: ['no-upload'],
        });
        for (const { LastModified: at } of page.Parts ?? []) {
          if (at !== undefined && (last === undefined || at > last)) last = at;
        }
        if (page.IsTruncated !== true || page.NextPartNumberMarker === undefined) return last;
        marker = { PartNumberMarker: page.NextPartNumberMarker };
      }
    } catch (error) {
      if (error instanceof ExpectedFailure) return undefined;
      throw error;
    }
  }

  #inputOf({ key, id }: Multipart): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.#caller.bucket, Key: this.#caller.nameOf(key), UploadId: id };
  }
}
