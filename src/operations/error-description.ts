/** How deep a chain of causes is followed. */
const MAX_CAUSES = 5;

const CREDENTIALS_IN_URL = /\/\/[^/@\s"']+@/g;
const SIGNATURES = /((?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|token|password)=)[^&\s"']+/gi;

/** Text with the credentials of URLs and the signatures of signed ones taken out. */
export function withoutSecrets(text: string): string {
  return text.replace(CREDENTIALS_IN_URL, '//').replace(SIGNATURES, '$1[hidden]');
}

export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

function errorCode(error: Error): string | number | undefined {
  if (!('code' in error)) return undefined;
  return typeof error.code === 'string' || typeof error.code === 'number' ? error.code : undefined;
}

/**
 * What a log line says of an error: named properties only, since errors of HTTP clients and SDKs carry requests
 * with their headers.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutSecrets(String(error)) };
  const code = errorCode(error);
  const follow = error.cause !== undefined && depth < MAX_CAUSES;
  return {
    type: error.name,
    message: withoutSecrets(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.stack === undefined || depth > 0 ? {} : { stack: withoutSecrets(error.stack) }),
    ...(follow ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}

/** The messages of an error and its causes in one line: for what was foreseen, where a stack tells nothing. */
export function reasonOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return withoutSecrets(String(error));
  const message = withoutSecrets(error.message);
  if (error.cause === undefined || depth >= MAX_CAUSES) return message;
  const cause = reasonOf(error.cause, depth + 1);
  return message.includes(cause) ? message : `${message}: ${cause}`;
}
