import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createClient } from './client.ts';
import { retrying } from './retry.ts';
import { describe, facts, failureOf } from './s3-errors.ts';
import { DEFAULT_TIMING, type S3Options } from './s3-options.ts';

/** Milliseconds for the whole check. */
const DEADLINE = 7_000;

/** Stays in the bucket: once it is there, one request tells whether the server knows conditional writes. */
const PROBE = 'docker/registry/v2/conditional-write-probe';

/** What is wrong with the bucket as it is configured; the message names the key of the configuration. */
export class BucketCheckError extends Error {
  override readonly name = 'BucketCheckError';
  /** As system errors have it: the message is all that a person needs. */
  readonly code = 'BUCKET_UNUSABLE';
}

/**
 * Asks the bucket for what every request will need, so that a wrong name, credential or endpoint is told at once.
 * @param options `readOnly`: nothing will be written
 * @throws BucketCheckError within about 7 s
 */
export async function checkBucket(options: S3Options & { readonly readOnly: boolean }): Promise<void> {
  const client = createClient(options);
  const signal = AbortSignal.timeout(DEADLINE);
  const root = (options.rootDirectory ?? '').replace(/^\/+|\/+$/g, '');
  const name = root === '' ? PROBE : `${root}/${PROBE}`;
  const check = { client, bucket: options.bucket, name, signal };
  const { retryFor, retryPause } = { ...DEFAULT_TIMING, ...options.timing };
  const isPassing = (error: unknown) =>
    !(error instanceof BucketCheckError) && failureOf(error) === 'passing';
  const attempt = (work: () => Promise<void>) => retrying(work, { retryFor, retryPause, isPassing, signal });
  try {
    await attempt(() => canList(check));
    await attempt(() => canRead(check));
    if (!options.readOnly) await attempt(() => knowsConditions(check));
  } catch (error) {
    if (error instanceof BucketCheckError) throw error;
    // That the request was given up then is no cause.
    const cause = signal.aborted ? {} : { cause: error };
    throw new BucketCheckError(explain(error, options, signal), cause);
  } finally {
    client.destroy();
  }
}

interface Check {
  readonly client: S3Client;
  readonly bucket: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

async function canList({ client, bucket, name, signal }: Check): Promise<void> {
  await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: name, MaxKeys: 1 }), {
    abortSignal: signal,
  });
}

async function canRead({ client, bucket, name, signal }: Check): Promise<void> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }), {
      abortSignal: signal,
    });
    await Body?.transformToByteArray();
  } catch (error) {
    if (failureOf(error) !== 'no-key') throw error;
  }
}

/** The second of two writes that want to be the first must fail. */
async function knowsConditions({ client, bucket, name, signal }: Check): Promise<void> {
  const write = new PutObjectCommand({ Bucket: bucket, Key: name, Body: Buffer.from('1'), IfNoneMatch: '*' });
  for (let turn = 0; turn < 2; turn += 1) {
    try {
      await client.send(write, { abortSignal: signal });
    } catch (error) {
      if (failureOf(error) === 'precondition') return;
      const { status, name: code } = facts(error);
      if (status !== 501 && code !== 'NotImplemented') throw error;
      break;
    }
  }
  throw new BucketCheckError(
    'storage.s3.regionendpoint: this server does not know conditional writes (If-None-Match), without which ' +
      'two servers on one bucket could write to one upload: use a server that has them',
  );
}

/** One line: the key, what is wrong with its value, and the server's own words. */
function explain(error: unknown, options: S3Options, signal: AbortSignal): string {
  const { bucket, region } = options;
  const endpoint = options.regionEndpoint ?? `AWS, region ${region}`;
  const words = describe(error);
  if (signal.aborted)
    return `storage.s3.regionendpoint: ${endpoint} did not answer within ${DEADLINE / 1000} s`;
  const { name, status, code } = facts(error);
  const about = BY_NAME[name];
  if (about !== undefined) return `storage.s3.${about({ bucket, endpoint, region })} (${words})`;
  if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code)) {
    return `storage.s3.regionendpoint: the certificate of ${endpoint} is not trusted (${words})`;
  }
  if (code === 'EPROTO' || (code ?? '').startsWith('ERR_SSL')) {
    return `storage.s3.secure: ${endpoint} does not speak TLS (${words})`;
  }
  if (status === 403)
    return `storage.s3.accesskey: not allowed to use bucket ${bucket} at ${endpoint} (${words})`;
  if (status === 301 || status === 307) {
    return `storage.s3.region: bucket ${bucket} is not in region ${region} (${words})`;
  }
  if (status === 404) return `storage.s3.bucket: there is no bucket ${bucket} at ${endpoint} (${words})`;
  if (status === undefined) return `storage.s3.regionendpoint: ${endpoint} cannot be reached (${words})`;
  return `storage.s3.bucket: bucket ${bucket} at ${endpoint} cannot be used (${words})`;
}

interface Place {
  readonly bucket: string;
  readonly endpoint: string;
  readonly region: string | undefined;
}

const BY_NAME: Readonly<Record<string, (place: Place) => string>> = {
  NoSuchBucket: ({ bucket, endpoint }) => `bucket: there is no bucket ${bucket} at ${endpoint}`,
  InvalidBucketName: ({ bucket, endpoint }) => `bucket: ${bucket} is no bucket name for ${endpoint}`,
  InvalidAccessKeyId: ({ endpoint }) => `accesskey: ${endpoint} does not know this key`,
  // So says versitygw.
  XAdminUserNotFound: ({ endpoint }) => `accesskey: ${endpoint} does not know this key`,
  InvalidToken: () => 'accesskey: the session token is not valid',
  ExpiredToken: () => 'accesskey: the session token has expired',
  SignatureDoesNotMatch: ({ endpoint }) => `secretkey: ${endpoint} does not take the signature`,
  AccessDenied: ({ bucket, endpoint }) => `accesskey: not allowed to use bucket ${bucket} at ${endpoint}`,
  AllAccessDisabled: ({ bucket, endpoint }) => `bucket: access to ${bucket} at ${endpoint} is disabled`,
  RequestTimeTooSkewed: ({ endpoint }) =>
    `regionendpoint: the clocks of ${endpoint} and of this machine differ`,
  PermanentRedirect: ({ bucket, region }) => `region: bucket ${bucket} is not in region ${region}`,
  AuthorizationHeaderMalformed: ({ bucket, region }) => `region: bucket ${bucket} is not in region ${region}`,
  IllegalLocationConstraintException: ({ bucket, region }) =>
    `region: bucket ${bucket} is not in region ${region}`,
  CredentialsProviderError: () =>
    'accesskey: no credentials, neither in the configuration nor in the environment, a profile or a role',
};
