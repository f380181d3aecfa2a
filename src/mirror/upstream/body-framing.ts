/** A message that is no HTTP/1.1, or breaks off. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
  readonly code = 'HPE_FRAMING';
}

/** Finds the body in what follows an answer's headers, RFC 9112 section 6. */
export interface BodyFraming {
  /** @returns the parts of `bytes` that are body */
  take(bytes: Buffer): Buffer[];
  /** Whether the body has ended by what was taken. */
  readonly ended: boolean;
  /** Whether the end of the connection is the end of the body. */
  readonly untilClose: boolean;
}

/** @throws FramingError for a length that cannot be read */
export function bodyFraming(headers: Readonly<Record<string, string | string[] | undefined>>): BodyFraming {
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (typeof coding === 'string' && coding.trim().toLowerCase() === 'chunked') return new ChunkedFraming();
    throw new FramingError('a transfer coding that was not asked for');
  }
  const length = headers['content-length'];
  if (length === undefined) return { take: (bytes) => [bytes], ended: false, untilClose: true };
  if (typeof length !== 'string' || !/^\d{1,16}$/.test(length))
    throw new FramingError('a length that is none');
  return new LengthFraming(Number(length));
}

class LengthFraming implements BodyFraming {
  readonly untilClose = false;
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get ended(): boolean {
    return this.#left === 0;
  }

  take(bytes: Buffer): Buffer[] {
    if (bytes.length > this.#left) throw new FramingError('more bytes than the length that was told');
    this.#left -= bytes.length;
    return [bytes];
  }
}

/** RFC 9112 section 7.1; extensions and trailers are passed over. */
class ChunkedFraming implements BodyFraming {
  readonly untilClose = false;
  ended = false;
  #state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';
  #left = 0;
  #line = '';

  take(bytes: Buffer): Buffer[] {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && !this.ended) {
      if (this.#state === 'data') {
        const part = bytes.subarray(at, at + this.#left);
        parts.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const newline = bytes.indexOf(0x0a, at);
      const end = newline < 0 ? bytes.length : newline + 1;
      this.#line += bytes.toString('latin1', at, end);
      at = end;
      if (this.#line.length > 8192) throw new FramingError('a chunk without a size');
      if (newline >= 0) this.#endOfLine();
    }
    return parts;
  }

  #endOfLine(): void {
    const line = this.#line.trim();
    this.#line = '';
    if (this.#state === 'data-end') {
      if (line !== '') throw new FramingError('a chunk longer than its size');
      this.#state = 'size';
    } else if (this.#state === 'trailer') {
      this.ended = line === '';
    } else {
      const size = /^([0-9a-f]{1,12})\s*(?:;.*)?$/i.exec(line)?.[1];
      if (size === undefined) throw new FramingError('a chunk without a size');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    }
  }
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where the body begins. */
  readonly length: number;
}

/**
 * Reads status and headers, RFC 9112 sections 4 and 5.
 * @returns undefined when more bytes are needed
 * @throws FramingError
 */
export function parseHead(bytes: Buffer): ResponseHead | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    if (bytes.length > 64 * 1024) throw new FramingError('headers without an end');
    return undefined;
  }
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw new FramingError('an answer that is no HTTP/1.1');
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0 || /^\s/.test(line)) throw new FramingError('a header that cannot be read');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const known = headers[name];
    headers[name] = known === undefined ? value : [known, value].flat();
  }
  return { status: Number(status), headers, length: end + 4 };
}
