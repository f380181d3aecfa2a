import type { SecureContextOptions } from 'node:tls';
import type { Logger } from './logger.ts';
import { readTlsMaterial, type TlsMaterial, type TlsOptions } from './tls-settings.ts';

/** Milliseconds between two looks at the certificate's files. */
const EVERY = 10_000;

export interface CertificateReload {
  readonly options: TlsOptions;
  /** What is in service now. */
  readonly current: TlsMaterial;
  readonly logger: Logger | undefined;
  /** Puts new material into service for the handshakes to come. */
  readonly apply: (context: SecureContextOptions) => void;
  /** Milliseconds. */
  readonly every?: number;
}

/**
 * Puts a renewed certificate into service without a restart; one that cannot be used leaves the old one there.
 * @returns what ends it
 */
export function followCertificate(reload: CertificateReload): () => void {
  let { fingerprint } = reload.current;
  let failed = false;
  const look = async () => {
    try {
      const material = await readTlsMaterial(reload.options);
      failed = false;
      if (material.fingerprint === fingerprint) return;
      reload.apply(material.context);
      fingerprint = material.fingerprint;
      reload.logger?.info({ certificate: reload.options.certificate }, 'certificate renewed');
    } catch (err) {
      if (!failed) reload.logger?.warn({ err }, 'certificate cannot be used: the old one stays in service');
      failed = true;
    }
  };
  const timer = setInterval(() => void look(), reload.every ?? EVERY);
  timer.unref();
  return () => clearInterval(timer);
}
