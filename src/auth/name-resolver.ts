/** A repository that a name may mean. */
export interface NameMeaning {
  /** As rules and tokens have it: `docker.io/library/nginx`. */
  readonly resolved: string;
  readonly mirrored: boolean;
}

/** Where a client was when it was sent for a token. */
export interface AskedAt {
  /** `host[:port]` of the token endpoint as the client asked it. */
  readonly host: string;
  /** What stood behind the endpoint's path: the upstream that bare names are meant at. */
  readonly upstream: string | undefined;
}

/** What names in scopes mean beside a mirror. */
export interface NameResolver {
  /** All that a token for this name has to open: for a bare name the hosted one and the default upstream's. */
  meanings(name: string, askedAt: AskedAt): readonly NameMeaning[];
  /** What a pull of this name reaches now. */
  current(name: string, askedAt: AskedAt): Promise<NameMeaning>;
}

/** Without a mirror a name means itself. */
export const hostedNames: NameResolver = {
  meanings: (name) => [{ resolved: name, mirrored: false }],
  current: async (name) => ({ resolved: name, mirrored: false }),
};
