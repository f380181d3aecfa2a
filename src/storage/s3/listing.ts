import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { Caller } from './caller.ts';

/** Names that S3 gives in one answer at most. */
export const LIST_MAX = 1000;

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

export interface ListedPage {
  readonly objects: readonly ListedObject[];
  /** With a delimiter: keys up to it, it included. */
  readonly prefixes: readonly string[];
  /** Asks for what the bucket has behind this; undefined when that is nothing. */
  readonly next: string | undefined;
}

export interface ListRequest {
  readonly prefix: string;
  /** Fold what lies deeper below the prefix into one entry each. */
  readonly delimiter?: '/';
  /** Only keys behind this one, in the order of S3 (UTF-8 bytes). */
  readonly after?: string | undefined;
  /** `next` of the page before. */
  readonly token?: string | undefined;
  /** 1 to 1000. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One list request. A prefix under which nothing lies is an empty page. */
export function listPage(caller: Caller, request: ListRequest): Promise<ListedPage> {
  const { prefix, delimiter, after, token, limit, signal } = request;
  const input = {
    Bucket: caller.bucket,
    Prefix: caller.nameOf(prefix),
    MaxKeys: Math.min(limit ?? LIST_MAX, LIST_MAX),
    ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
    ...(after === undefined ? {} : { StartAfter: caller.nameOf(after) }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
  };
  return caller.call(
    async (http) => {
      const answer = await caller.client.send(new ListObjectsV2Command(input), http);
      return {
        objects: (answer.Contents ?? []).map(({ Key = '', Size = 0, LastModified = new Date(0) }) => ({
          key: caller.keyOf(Key),
          size: Size,
          modifiedAt: LastModified,
        })),
        prefixes: (answer.CommonPrefixes ?? []).map(({ Prefix = '' }) => caller.keyOf(Prefix)),
        next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined,
      };
    },
    { doing: 'list', key: prefix, signal },
  );
}

/** Everything below a prefix, in the order of S3; a new request when the one before is used up. */
export async function* listAll(
  caller: Caller,
  { prefix, signal }: Pick<ListRequest, 'prefix' | 'signal'>,
): AsyncGenerator<ListedObject> {
  let token: string | undefined;
  do {
    const page = await listPage(caller, { prefix, token, signal });
    yield* page.objects;
    token = page.next;
  } while (token !== undefined);
}
