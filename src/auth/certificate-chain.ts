import { X509Certificate } from 'node:crypto';

export interface ChainOptions {
  readonly roots: readonly X509Certificate[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Certificates in a bundle that are looked at; a chain brought along by a caller is short. */
const MAX_CHAIN = 10;

/**
 * Whether the first certificate leads to a root over the others, each valid now and issued by an authority;
 * for any use, as distribution asks it.
 */
export function leadsToRoot(chain: readonly X509Certificate[], { roots, now }: ChainOptions): boolean {
  const [leaf, ...intermediates] = chain;
  if (leaf === undefined || chain.length > MAX_CHAIN) return false;
  const isTrusted = (certificate: X509Certificate) => roots.some((root) => root.raw.equals(certificate.raw));
  const isInTime = ({ validFromDate, validToDate }: X509Certificate) =>
    validFromDate.getTime() <= now && now <= validToDate.getTime();
  const isIssuer = (issuer: X509Certificate, of: X509Certificate) =>
    issuer.ca && isInTime(issuer) && of.checkIssued(issuer) && of.verify(issuer.publicKey);
  // Each intermediate is taken once: the walk ends however they point to each other.
  const rest = new Set(intermediates);
  const reached = [leaf];
  for (
    let current = isInTime(leaf) ? reached.pop() : undefined;
    current !== undefined;
    current = reached.pop()
  ) {
    const below = current;
    if (isTrusted(below) || roots.some((root) => isIssuer(root, below))) return true;
    for (const issuer of rest) {
      if (!isIssuer(issuer, below)) continue;
      rest.delete(issuer);
      reached.push(issuer);
    }
  }
  return false;
}

/**
 * @param encoded base64 DER, as `x5c` holds it (RFC 7515 section 4.1.6)
 * @returns undefined when it is no list of certificates
 */
export function parseX5c(encoded: unknown): readonly X509Certificate[] | undefined {
  if (!Array.isArray(encoded) || encoded.length === 0 || encoded.length > MAX_CHAIN) return undefined;
  try {
    return encoded.map((text) => new X509Certificate(Buffer.from(String(text), 'base64')));
  } catch {
    // OpenSSL's parser has no error of its own kind: whatever it is, it is no certificate.
    return undefined;
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws Error when one of the certificates cannot be parsed */
export function parseCertificateBundle(pem: string): readonly X509Certificate[] {
  return (pem.match(PEM_CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
}
