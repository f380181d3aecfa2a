import { RegistryError } from '../../oci/errors.ts';

/** Something an upstream did or could not do. `where` is the URL's host and port; never holds credentials. */
export abstract class UpstreamError extends Error {
  readonly where: string;
  /** The end of the message: what it did, or what of its own (`its token server …`) did what. */
  readonly reason: string;
  /** What stands between `where` and the reason, which make a sentence with it. */
  protected static readonly says: string = '';

  constructor(where: string, reason: string, options?: ErrorOptions) {
    super(`${where} ${new.target.says}${reason}`, options);
    this.where = where;
    this.reason = reason;
  }
}

/** No connection, or one that broke before an answer: DNS, refused, TLS, reset. */
export class UpstreamUnreachable extends UpstreamError {
  override readonly name = 'UpstreamUnreachable';
  protected static override readonly says: string = 'cannot be reached: ';
}

/** It took longer than the configured time to connect, to answer or to go on. */
export class UpstreamSlow extends UpstreamError {
  override readonly name = 'UpstreamSlow';
  protected static override readonly says: string = 'is too slow: ';
}

/** It answered 5xx. */
export class UpstreamFailed extends UpstreamError {
  override readonly name = 'UpstreamFailed';
  protected static override readonly says: string = 'fails: ';
}

/** It answered what cannot be right: another digest, no JSON, a redirect that is not followed. */
export class UpstreamWrong extends UpstreamError {
  override readonly name: string = 'UpstreamWrong';
  protected static override readonly says: string = 'cannot be used: ';
}

/** It refuses the configured credentials, or asks for some where none are configured. */
export class UpstreamRefused extends UpstreamError {
  override readonly name = 'UpstreamRefused';
  protected static override readonly says: string = 'gives nothing: ';
}

/** It answered 429. */
export class UpstreamLimited extends UpstreamError {
  override readonly name = 'UpstreamLimited';
  /** Seconds until it may be asked again, at least 1. */
  readonly retryAfter: number;

  constructor(where: string, retryAfter: number) {
    super(where, `limits requests: nothing is asked for ${retryAfter} s`);
    this.retryAfter = retryAfter;
  }
}

/** It says that there is no such thing. */
export class UpstreamNotFound extends UpstreamError {
  override readonly name = 'UpstreamNotFound';
}

/** The configuration (`allow`) does not let this repository be fetched. Nothing was asked. */
export class UpstreamNotAllowed extends UpstreamError {
  override readonly name = 'UpstreamNotAllowed';
  protected static override readonly says: string = 'may not be asked: ';
}

/** What was asked for; says which code "not found" has. */
export type Wanted = 'manifest' | 'blob' | 'repository';

const NOT_FOUND = {
  manifest: 'MANIFEST_UNKNOWN',
  blob: 'BLOB_UNKNOWN',
  repository: 'NAME_UNKNOWN',
} as const satisfies Record<Wanted, string>;

/**
 * What a client is told. An upstream's own 401 is never passed on: the client's credentials are for this server,
 * and it would ask a person for others.
 */
export function registryErrorFor(error: UpstreamError, wanted: Wanted): RegistryError {
  const cause = error;
  if (error instanceof UpstreamNotFound) {
    return new RegistryError(NOT_FOUND[wanted], { message: `the upstream ${error.message}`, cause });
  }
  if (error instanceof UpstreamNotAllowed) {
    return new RegistryError('DENIED', { message: error.reason, cause });
  }
  if (error instanceof UpstreamLimited) {
    return new RegistryError('TOOMANYREQUESTS', {
      message: `the upstream ${error.message}`,
      headers: { 'retry-after': String(error.retryAfter) },
      cause,
    });
  }
  const status = error instanceof UpstreamSlow ? 504 : 502;
  return new RegistryError('UNAVAILABLE', { status, message: `the upstream ${error.message}`, cause });
}

/** Whether a stored tag may be served in the place of the answer: all but what the upstream says for certain. */
export function isOutage(error: unknown): error is UpstreamError {
  return (
    error instanceof UpstreamError &&
    !(error instanceof UpstreamNotFound) &&
    !(error instanceof UpstreamNotAllowed)
  );
}

/** Which of the errors of several URLs tells most: what is certain first. */
export function mostTelling(errors: readonly UpstreamError[]): UpstreamError | undefined {
  const limits = errors.filter((error) => error instanceof UpstreamLimited);
  const soonest = limits.sort((a, b) => a.retryAfter - b.retryAfter)[0];
  return (
    errors.find((error) => error instanceof UpstreamNotFound) ??
    soonest ??
    errors.find((error) => error instanceof UpstreamSlow) ??
    errors[0]
  );
}
