/*
 * What a request needs and what its caller may do: the shapes in which the HTTP API and the login side meet.
 * They lie in the domain because neither of the two imports the other.
 */

/** The actions of distribution's token scopes. */
export type Action = 'pull' | 'push' | 'delete' | '*';

/** One thing a request needs. */
export interface AccessNeed {
  readonly type: 'repository' | 'registry';
  /** The name as the client wrote it: stands in the challenge's scope. */
  readonly asked: string;
  /** The name it resolves to (docker.io/library/nginx): rules and tokens are decided on it. */
  readonly resolved: string;
  /** Whether `resolved` is a mirrored repository (a token for it never opens a hosted one spelled alike). */
  readonly mirrored: boolean;
  readonly actions: readonly Action[];
  /** Another meaning of the same name, hosted: the actions may be allowed there instead. */
  readonly alternative?: { readonly resolved: string };
  /** It stands in a challenge, but nothing is refused for the lack of it. */
  readonly optional?: true;
}

/** Where a request came from, worked out from connection and trusted proxy headers. */
export interface Caller {
  readonly authorization: string | undefined;
  readonly address: string;
  /** scheme://host[:port] as the client used it. */
  readonly origin: string;
  /** What stands before `/v2/` in the URLs that the client uses; empty at the root. */
  readonly urlPrefix: string;
  /** as the client asked it, for the service default (host[:port]). */
  readonly host: string;
  /** The host of this very request, where `host` is the one that the configuration gives. */
  readonly reachedBy?: string | undefined;
  readonly requestId: string;
  /** Tag, digest or session that the request is about, for the audit. */
  readonly reference?: string | undefined;
  /** `X-Forwarded-Proto`, when it says http or https. */
  readonly forwardedProto?: 'http' | 'https' | undefined;
  /** The upstream that host, path or `ns` led to: bare names in the client's scopes are meant there. */
  readonly upstream?: string | undefined;
}

/** What the caller of one request may do. */
export interface Grant {
  /** undefined: anonymous */
  readonly account: string | undefined;
  allows(need: Omit<AccessNeed, 'actions' | 'asked'>, action: Action): boolean;
  /**
   * Whether the credentials already say yes or no about this name (a token that asked for it and was refused;
   * rules of the server itself): a challenge would bring nothing new.
   */
  decided(need: Omit<AccessNeed, 'actions'>): boolean;
  /**
   * Whether a list (catalog, search) may name it: what its caller may pull by the server's rules, whatever the
   * scopes of the token at hand.
   */
  sees(need: Omit<AccessNeed, 'actions' | 'asked'>): boolean;
}

export interface Authorizer {
  /** For an answer that must not be a challenge (`/v1/search`); undefined where nobody gets in without credentials. */
  readonly anonymous: Grant | undefined;
  /**
   * @throws RegistryError UNAUTHORIZED (401 with www-authenticate in headers, naming exactly the scopes of
   * `needs`), TOOMANYREQUESTS
   */
  authorize(caller: Caller, needs: readonly AccessNeed[]): Promise<Grant>;
}
