import { createHash, randomUUID } from 'node:crypto';

export interface StoredObject {
  readonly content: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
}

export interface StoredUpload {
  readonly key: string;
  readonly begunAt: Date;
  readonly parts: Map<number, StoredObject>;
}

/** The bytes of one bucket, in memory. */
export class S3Store {
  /** Bytes: smaller parts are refused, but for the last. */
  smallestPart = 5 * 1024 * 1024;
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, StoredUpload>();

  put(key: string, content: Buffer, suffix = ''): StoredObject {
    const object = objectOf(content, suffix);
    this.objects.set(key, object);
    return object;
  }

  begin(key: string): string {
    const id = randomUUID();
    this.uploads.set(id, { key, begunAt: new Date(), parts: new Map() });
    return id;
  }

  /** In the order of S3: by the bytes of the names. */
  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
  }
}

export function objectOf(content: Buffer, suffix = ''): StoredObject {
  const etag = `"${createHash('md5').update(content).digest('hex')}${suffix}"`;
  return { content, etag, modifiedAt: new Date() };
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
