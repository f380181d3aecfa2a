/** A TCP address as Go writes it. */
export interface HostPort {
  /** Undefined when the text says none: every address. */
  readonly host: string | undefined;
  readonly port: number;
}

const ADDRESS = /^(?:\[(?<bracketed>[0-9a-fA-F:.%]+)\]|(?<plain>[^:[\]/\s]*)):(?<port>\d{1,5})$/;

/** Reads `HOST:PORT`, `:PORT` or `[IPV6]:PORT`; undefined when the text is none of them. */
export function parseHostPort(text: string): HostPort | undefined {
  const groups = ADDRESS.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const port = Number(groups.port);
  const host = groups.bracketed ?? groups.plain;
  return port > 65_535 ? undefined : { host: host === '' ? undefined : host, port };
}
