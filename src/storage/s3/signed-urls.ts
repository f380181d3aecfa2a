import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { SignedUrls } from '../capabilities.ts';
import type { Caller } from './caller.ts';
import { createClient } from './client.ts';
import type { S3Options } from './s3-options.ts';

/** URLs of the bucket's own endpoint, or of the one that clients are to use. */
export function createSignedUrls(caller: Caller, options: S3Options): SignedUrls {
  const { redirectEndpoint } = options;
  const client =
    redirectEndpoint === undefined || redirectEndpoint === ''
      ? caller.client
      : createClient(options, redirectEndpoint);
  return {
    signedReadUrl: (key, { expiresInSeconds }) =>
      getSignedUrl(client, new GetObjectCommand({ Bucket: caller.bucket, Key: caller.nameOf(key) }), {
        expiresIn: expiresInSeconds,
      }),
  };
}
