import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Where the credentials for an upstream come from. */
export interface CredentialSource {
  /**
   * @param host host and port that they are for
   * @returns undefined where there are none: the request is anonymous then
   * @throws CredentialsUnavailableError
   */
  get(host: string): Promise<Credentials | undefined>;
}

/** Credentials are configured and cannot be had. Never holds any. */
export class CredentialsUnavailableError extends Error {
  override readonly name = 'CredentialsUnavailableError';
}

export function fixedCredentials(credentials: Credentials): CredentialSource {
  return { get: async () => credentials };
}

/** The password is read each time it is needed, so that a rotated secret is in service at once. */
export function passwordFileCredentials(username: string, path: string): CredentialSource {
  return {
    async get() {
      try {
        const text = await readFile(path, 'utf8');
        return { username, password: text.replace(/\r?\n$/, '') };
      } catch (cause) {
        throw new CredentialsUnavailableError(`the password file ${path} cannot be read`, { cause });
      }
    },
  };
}

export interface CredentialHelperOptions {
  /** A program that speaks the protocol of docker-credential-helpers. */
  readonly command: string;
  /** Milliseconds for which its answer holds; left out: for ever; 0: for one request. */
  readonly lifetime?: number | undefined;
  readonly now?: () => number;
  /** Milliseconds after which it is killed. Default 10 s. */
  readonly timeout?: number;
}

/**
 * distribution's `proxy.exec`: the program is called with `get`, reads the host from standard input, and prints
 * `{"Username":…,"Secret":…}`. Asked at once it runs once.
 */
export function credentialHelper(options: CredentialHelperOptions): CredentialSource {
  const { command, lifetime, now = Date.now, timeout = 10_000 } = options;
  const known = new Map<string, { readonly answer: Promise<Credentials>; readonly until: number }>();
  return {
    get(host) {
      const found = known.get(host);
      if (found !== undefined && now() < found.until) return found.answer;
      const answer = runHelper(command, host, timeout);
      known.set(host, {
        answer,
        until: lifetime === undefined ? Number.POSITIVE_INFINITY : now() + lifetime,
      });
      answer.catch(() => known.delete(host));
      return answer;
    },
  };
}

function runHelper(command: string, host: string, timeout: number): Promise<Credentials> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, ['get'], { timeout, maxBuffer: 1024 * 1024 }, (error, stdout) => {
      // Neither what it printed nor its error, which may quote it, goes any further.
      const failed = (why: string) => reject(new CredentialsUnavailableError(`the credential helper ${why}`));
      if (error !== null)
        return failed(error.killed === true ? 'took too long' : `failed: ${error.code ?? 'no code'}`);
      const credentials = parseHelperAnswer(stdout);
      if (credentials === undefined) return failed('printed something else than Username and Secret');
      resolve(credentials);
    });
    // A helper that does not read its input closes it early; its answer counts all the same.
    child.stdin?.on('error', () => {});
    child.stdin?.end(host);
  });
}

function parseHelperAnswer(text: string): Credentials | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null) return undefined;
    const username = 'Username' in answer ? answer.Username : undefined;
    const password = 'Secret' in answer ? answer.Secret : undefined;
    if (typeof username !== 'string' || typeof password !== 'string') return undefined;
    return { username, password };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
