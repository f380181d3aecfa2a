import type { OutgoingConfig } from '../config/types/mirror.ts';
import type { S3Backend } from '../config/types/storage.ts';
import { parseNoProxy } from '../operations/no-proxy.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { S3Options } from '../storage/s3/s3-options.ts';
import { readCertificates } from './read-certificates.ts';

export interface OpenS3Options {
  /** Nothing will be written. */
  readonly readOnly: boolean;
  readonly outgoing: OutgoingConfig;
  /** For `storage.s3.loglevel`. */
  readonly log?: OpenLog | undefined;
}

export interface OpenLog {
  info(fields: object, message: string): void;
}

/**
 * A driver for a bucket that was seen to be usable. The SDK is loaded here, so that nobody else waits for it.
 * @throws BucketCheckError; what reading `storage.s3.ca` throws
 */
export async function openS3(
  backend: S3Backend,
  { readOnly, outgoing, log }: OpenS3Options,
): Promise<StorageDriver> {
  const [{ checkBucket }, { createS3Driver }] = await Promise.all([
    import('../storage/s3/check-bucket.ts'),
    import('../storage/s3/s3-driver.ts'),
  ]);
  const { ca, credentials, logLevel, ...rest } = backend;
  const options: S3Options = {
    ...rest,
    ca: await readCertificates('storage.s3.ca', ca),
    credentials:
      credentials === undefined
        ? undefined
        : {
            accessKeyId: credentials.accessKey.reveal(),
            secretAccessKey: credentials.secretKey.reveal(),
          },
    requestLog: logLevel === 'off' ? undefined : (line) => log?.info(line, 'a request to the bucket'),
    proxyEnvironment: proxiesFor(backend.regionEndpoint, outgoing),
  };
  await checkBucket({ ...options, readOnly });
  return createS3Driver(options);
}

/** An endpoint with an address may lie in a network of NO_PROXY, which the client of the bucket does not know. */
function proxiesFor(endpoint: string | undefined, { httpsProxy, httpProxy, noProxy }: OutgoingConfig) {
  const url = endpoint === undefined ? null : URL.parse(endpoint);
  if (url !== null && parseNoProxy(noProxy)(url)) return undefined;
  return { HTTPS_PROXY: httpsProxy?.reveal(), HTTP_PROXY: httpProxy?.reveal(), NO_PROXY: noProxy.join(',') };
}
