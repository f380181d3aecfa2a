import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { CIPHER_SUITES } from './cipher-suites.ts';
import { readConfiguredFile } from './configured-file.ts';

/** distribution's `http.tls`. */
export interface TlsOptions {
  /** Files, PEM. The certificate's file holds the chain. */
  readonly certificate: string;
  readonly key: string;
  /** Files, PEM: authorities that sign clients' certificates. */
  readonly clientcas?: readonly string[];
  readonly clientauth?: ClientAuth;
  readonly minimumtls?: MinimumTls;
  /** Go's names. */
  readonly ciphersuites?: readonly string[];
}

export type ClientAuth =
  | 'verify-client-cert-if-given'
  | 'request-client-cert'
  | 'require-any-client-cert'
  | 'require-and-verify-client-cert';

export type MinimumTls = 'tls1.0' | 'tls1.1' | 'tls1.2' | 'tls1.3';

const VERSIONS = {
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
} as const;

export interface TlsMaterial {
  readonly context: SecureContextOptions;
  /** Changes when one of the files does. */
  readonly fingerprint: string;
}

function ciphers(suites: readonly string[] | undefined): string | undefined {
  if (suites === undefined || suites.length === 0) return undefined;
  const unknown = suites.filter((suite) => CIPHER_SUITES[suite] === undefined);
  if (unknown.length > 0) throw new Error(`unknown cipher suites: ${unknown.join(', ')}`);
  return suites.map((suite) => CIPHER_SUITES[suite]).join(':');
}

/** @throws Error when a file cannot be read, certificate and key do not fit, or a cipher suite is unknown */
export async function readTlsMaterial(options: TlsOptions): Promise<TlsMaterial> {
  const [cert, key, ...ca] = await Promise.all([
    readConfiguredFile('http.tls.certificate', options.certificate),
    readConfiguredFile('http.tls.key', options.key),
    ...(options.clientcas ?? []).map((file, index) =>
      readConfiguredFile(`http.tls.clientcas[${index}]`, file),
    ),
  ]);
  const list = ciphers(options.ciphersuites);
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: VERSIONS[options.minimumtls ?? 'tls1.2'],
    ...(ca.length === 0 ? {} : { ca }),
    ...(list === undefined ? {} : { ciphers: list }),
  };
  try {
    createSecureContext(context);
  } catch (cause) {
    throw new Error('http.tls cannot be used', { cause });
  }
  const hash = createHash('sha256');
  for (const content of [cert, key, ...ca]) hash.update(content).update('\0');
  return { context, fingerprint: hash.digest('hex') };
}

export interface ClientCertificateRule {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  /** What the handshake alone does not decide. */
  accepts(socket: TLSSocket): boolean;
}

function hasCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0;
}

/** distribution's `clientauth`, which counts only where `clientcas` are given. */
export function clientCertificateRule(options: TlsOptions): ClientCertificateRule {
  const accepts = () => true;
  if ((options.clientcas ?? []).length === 0)
    return { requestCert: false, rejectUnauthorized: false, accepts };
  const rule = options.clientauth ?? 'require-and-verify-client-cert';
  switch (rule) {
    case 'require-and-verify-client-cert':
      return { requestCert: true, rejectUnauthorized: true, accepts };
    case 'request-client-cert':
      return { requestCert: true, rejectUnauthorized: false, accepts };
    case 'require-any-client-cert':
      return { requestCert: true, rejectUnauthorized: false, accepts: hasCertificate };
    case 'verify-client-cert-if-given':
      return {
        requestCert: true,
        rejectUnauthorized: false,
        accepts: (socket) => socket.authorized || !hasCertificate(socket),
      };
    default:
      return rule satisfies never;
  }
}
