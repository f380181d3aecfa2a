import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SilenceHttpHandler } from './http-handler.ts';
import { DEFAULT_TIMING, type S3Options } from './s3-options.ts';
import { SigningHash } from './signing-hash.ts';

const USER_AGENT = 'fairlead aws-sdk-js/3';

const silent = (): void => {};
const SILENT_LOGGER = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/**
 * The SDK as it is used here: one try a call (retries are ours), no checksums that servers other than AWS do not
 * know, no `Expect: 100-continue`.
 * @param endpoint in place of the one in the options
 */
export function createClient(options: S3Options, endpoint?: string): S3Client {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const url = endpoint ?? endpointOf(options);
  const { accelerate, credentials, forcePathStyle, useDualStack, useFipsEndpoint, userAgent } = options;
  const configuration: S3ClientConfig = {
    region: options.region ?? 'us-east-1',
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    followRegionRedirects: false,
    logger: SILENT_LOGGER,
    sha256: SigningHash,
    forcePathStyle: forcePathStyle === true,
    useAccelerateEndpoint: accelerate === true,
    useDualstackEndpoint: useDualStack === true,
    useFipsEndpoint: useFipsEndpoint === true,
    requestHandler: new SilenceHttpHandler({
      connect: timing.connect,
      silence: timing.silence,
      ca: options.ca,
      skipVerify: options.skipVerify,
      proxyEnvironment: options.proxyEnvironment,
      log: options.requestLog,
    }),
    ...(url === undefined ? {} : { endpoint: url }),
    ...(credentials === undefined ? {} : { credentials: staticCredentials(credentials) }),
  };
  const client = new S3Client(configuration);
  leaveOut(client, userAgent === undefined || userAgent === '' ? USER_AGENT : `${USER_AGENT} ${userAgent}`);
  if (options.secure === false && url === undefined) usePlainHttp(client);
  return client;
}

/**
 * What the SDK does for every request and nobody needs: it prepares what it would log, also for a logger that logs
 * nothing; works out its name anew; looks for Lambda; and names each try, of which there is one, in headers that are signed.
 */
function leaveOut(client: S3Client, userAgent: string): void {
  const needless = ['loggerMiddleware', 'getUserAgentMiddleware', 'recursionDetectionMiddleware'];
  for (const name of needless) client.middlewareStack.remove(name);
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (hasHeaders(request)) request.headers['user-agent'] = userAgent;
      return next(args);
    },
    { step: 'build', name: 'userAgent' },
  );
  // Others stand relative to it.
  client.middlewareStack.add((next) => next, {
    step: 'finalizeRequest',
    name: 'retryMiddleware',
    priority: 'high',
    override: true,
  });
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

/** To AWS itself: the SDK works out endpoints of `https` alone. */
function usePlainHttp(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'protocol' in request)
        request.protocol = 'http:';
      return next(args);
    },
    { step: 'build', name: 'usePlainHttp' },
  );
}

/** A bare host gets its scheme from `secure`, as in distribution; a scheme that is there stays. */
function endpointOf({ regionEndpoint, secure }: S3Options): string | undefined {
  if (regionEndpoint === undefined || regionEndpoint === '') return undefined;
  if (/^https?:\/\//i.test(regionEndpoint)) return regionEndpoint;
  return `${secure === false ? 'http' : 'https'}://${regionEndpoint}`;
}

function staticCredentials(given: NonNullable<S3Options['credentials']>): S3ClientConfig['credentials'] & {} {
  const { accessKeyId, secretAccessKey, sessionToken } = given;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
