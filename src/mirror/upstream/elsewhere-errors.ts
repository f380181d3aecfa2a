/** What went wrong at another server than the one that was asked, which led there. */
export class RedirectedError extends Error {
  override readonly name = 'RedirectedError';
  /** Host and port. */
  readonly host: string;

  constructor(host: string, options: { readonly cause: unknown }) {
    super(`redirects to ${host}`, options);
    this.host = host;
  }
}

/** What went wrong at the server that gives the tokens for another one. */
export class TokenServerError extends Error {
  override readonly name = 'TokenServerError';
  /** Host and port. */
  readonly host: string;

  constructor(host: string, options: { readonly cause: unknown }) {
    super(`the token server ${host} cannot be asked`, options);
    this.host = host;
  }
}
