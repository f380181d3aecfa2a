/** X.690 Distinguished Encoding Rules, as far as a certificate needs them. */
export type Der = Buffer;

function tagged(tag: number, content: Uint8Array): Der {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export function sequence(...parts: readonly Der[]): Der {
  return tagged(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Der[]): Der {
  return tagged(0x31, Buffer.concat(parts));
}

/** `[n]`, explicit. */
export function explicit(number: number, content: Der): Der {
  return tagged(0xa0 | number, content);
}

/** @param bytes big-endian and positive, whatever its first bit */
export function unsignedInteger(bytes: Uint8Array): Der {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return tagged(0x02, (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

export function boolean(value: boolean): Der {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

/** @param unused bits at the end of the last byte */
export function bitString(bytes: Uint8Array, unused = 0): Der {
  return tagged(0x03, Buffer.concat([Buffer.from([unused]), bytes]));
}

export function octetString(bytes: Uint8Array): Der {
  return tagged(0x04, bytes);
}

export function nothing(): Der {
  return tagged(0x05, Buffer.alloc(0));
}

export function utf8String(text: string): Der {
  return tagged(0x0c, Buffer.from(text));
}

/** `GeneralizedTime`, whole seconds, UTC. RFC 5280 asks for it from 2050 on. */
export function generalizedTime(date: Date): Der {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+Z$/g, '');
  return tagged(0x18, Buffer.from(`${digits}Z`));
}

/** `UTCTime`, RFC 5280 section 4.1.2.5.1: for years before 2050. */
export function utcTime(date: Date): Der {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+Z$/g, '');
  return tagged(0x17, Buffer.from(`${digits.slice(2)}Z`));
}

/** @param dotted `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}
