import { randomBytes, sign } from 'node:crypto';
import {
  bitString,
  boolean,
  type Der,
  explicit,
  generalizedTime,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  set,
  unsignedInteger,
  utcTime,
  utf8String,
} from './der.ts';
import type { SigningKey } from './token-key.ts';

export interface CertificateOptions {
  /** Its subject and issuer. */
  readonly commonName: string;
}

const SIGNATURE_ALGORITHMS: Record<SigningKey['algorithm'], () => Der> = {
  ES256: () => sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  RS256: () => sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing()),
};

/** Registries that trust the key look at it alone; one that checks dates must find it valid in any year. */
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z');
const NOT_AFTER = new Date('2119-12-31T23:59:59Z');

/** Of upperBound ub-common-name, RFC 5280 appendix A.1. */
const MAX_COMMON_NAME = 64;

/**
 * A self-signed X.509 certificate (RFC 5280) in PEM, for a `rootcertbundle` of distribution.
 */
export function selfSignedCertificate(key: SigningKey, { commonName }: CertificateOptions): string {
  const algorithm = SIGNATURE_ALGORITHMS[key.algorithm]();
  const name = sequence(
    set(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName.slice(0, MAX_COMMON_NAME)))),
  );
  const toBeSigned = sequence(
    explicit(0, unsignedInteger(Buffer.from([2]))),
    unsignedInteger(serialNumber()),
    algorithm,
    name,
    sequence(utcTime(NOT_BEFORE), generalizedTime(NOT_AFTER)),
    name,
    key.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(basicConstraints(), keyUsage())),
  );
  const signature = sign('sha256', toBeSigned, key.privateKey);
  return toPem(sequence(toBeSigned, algorithm, bitString(signature)));
}

/** At most 20 bytes and positive, RFC 5280 section 4.1.2.2. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

function basicConstraints(): Der {
  return sequence(objectIdentifier('2.5.29.19'), boolean(true), octetString(sequence(boolean(true))));
}

/** digitalSignature and keyCertSign: bits 0 and 5. */
function keyUsage(): Der {
  return sequence(
    objectIdentifier('2.5.29.15'),
    boolean(true),
    octetString(bitString(Buffer.from([0x84]), 2)),
  );
}

function toPem(der: Der): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
