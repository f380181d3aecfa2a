import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { isDigestAlgorithm } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { BlobContents } from './blob-contents.ts';
import { readContent } from './content.ts';
import type { HasherPool } from './content-hasher.ts';
import type { CreateUploadOptions, StorageDriver, UploadWriter } from './driver.ts';
import type { Layers } from './layers.ts';
import { blobDataKey, uploadAlgorithmKey, uploadFolder, uploadStartedAtKey } from './layout.ts';
import { SessionHashes } from './session-hashes.ts';
import { SessionWriter } from './session-writer.ts';
import { KeyNotFoundError, UploadBusyError } from './storage-errors.ts';

const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Upload sessions of repositories, specification "Pushing Blobs". All that another server needs is in the storage. */
export class UploadSessions {
  readonly #driver: StorageDriver;
  readonly #contents: BlobContents;
  readonly #layers: Layers;
  readonly #hashes: SessionHashes;
  readonly #clock: () => Date;
  /** Sessions that were started here and that nobody asked for since: they may be begun without looking first. */
  readonly #unopened = new LRUCache<string, true>({ max: 1_000 });
  /** What was announced for sessions that were started here. */
  readonly #announced = new LRUCache<string, DigestAlgorithm>({ max: 1_000 });

  constructor(parts: {
    driver: StorageDriver;
    contents: BlobContents;
    layers: Layers;
    hashers: HasherPool;
    clock: () => Date;
  }) {
    this.#driver = parts.driver;
    this.#contents = parts.contents;
    this.#layers = parts.layers;
    this.#hashes = new SessionHashes(parts.hashers);
    this.#clock = parts.clock;
  }

  /**
   * @param algorithm what the client announced that its digest will be of
   * @returns the session's id
   */
  async start(name: RepositoryName, algorithm?: DigestAlgorithm): Promise<string> {
    const id = randomUUID();
    const { uploads } = this.#driver;
    const beside: string[] = [];
    if (algorithm !== undefined && algorithm !== 'sha256') {
      const key = uploadAlgorithmKey(name, id);
      await this.#driver.write(key, Buffer.from(algorithm), { durable: false });
      beside.push(key.slice(uploadFolder(name, id).length + 1));
    }
    if (uploads.begin === undefined) {
      const startedAt = this.#clock().toISOString();
      await this.#driver.write(uploadStartedAtKey(name, id), Buffer.from(startedAt), { durable: false });
      this.#unopened.set(id, true);
    } else {
      await uploads.begin(uploadFolder(name, id), { beside });
    }
    this.#announced.set(id, algorithm ?? 'sha256');
    return id;
  }

  /**
   * Bytes kept so far.
   * @throws KeyNotFoundError when there is no such session
   */
  async size(name: RepositoryName, id: string): Promise<number> {
    if (!SESSION_ID.test(id)) throw new KeyNotFoundError(uploadStartedAtKey(name, id));
    const { uploads } = this.#driver;
    if (uploads.begin === undefined) await this.#mustExist(name, id);
    try {
      return await uploads.size(uploadFolder(name, id));
    } catch (error) {
      if (!(error instanceof KeyNotFoundError)) throw error;
    }
    if (uploads.begin !== undefined) await this.#mustExist(name, id);
    return 0;
  }

  /**
   * Takes the session's one writer.
   * @param expected the digest, when it is known before the first byte is read
   * @throws KeyNotFoundError when there is no such session; UploadBusyError
   */
  async open(name: RepositoryName, id: string, expected?: Digest): Promise<SessionWriter> {
    if (!SESSION_ID.test(id)) throw new KeyNotFoundError(uploadStartedAtKey(name, id));
    const writer = await this.#openOrCreate(name, id, expected);
    return this.#writing(name, id, { writer, keeps: expected === undefined });
  }

  /**
   * A session that is written in the same request, whose digest is known, and that nobody else learns of.
   * @throws whatever the driver throws
   */
  async openNew(name: RepositoryName, expected: Digest): Promise<SessionWriter> {
    const id = randomUUID();
    const options = { target: blobDataKey(expected), unshared: true };
    const writer = await this.#driver.uploads.create(uploadFolder(name, id), options);
    return this.#writing(name, id, { writer, keeps: false });
  }

  #writing(
    name: RepositoryName,
    id: string,
    { writer, keeps }: { readonly writer: UploadWriter; readonly keeps: boolean },
  ): SessionWriter {
    return new SessionWriter({
      id,
      name,
      writer,
      keeps,
      contents: this.#contents,
      layers: this.#layers,
      hashes: this.#hashes,
      algorithm: () => this.#algorithm(name, id),
    });
  }

  async #openOrCreate(name: RepositoryName, id: string, expected: Digest | undefined): Promise<UploadWriter> {
    const folder = uploadFolder(name, id);
    const options: CreateUploadOptions = expected === undefined ? {} : { target: blobDataKey(expected) };
    if (this.#unopened.delete(id)) {
      try {
        return await this.#create(name, id, options);
      } catch (error) {
        // Another process has begun it meanwhile.
        if (!(error instanceof UploadBusyError)) throw error;
      }
    }
    try {
      return await this.#driver.uploads.open(folder, options);
    } catch (error) {
      if (!(error instanceof KeyNotFoundError)) throw error;
    }
    await this.#mustExist(name, id);
    return this.#create(name, id, options);
  }

  async #create(name: RepositoryName, id: string, options: CreateUploadOptions): Promise<UploadWriter> {
    const exists = this.#mustExist(name, id);
    exists.catch(() => {});
    const writer = await this.#driver.uploads.create(uploadFolder(name, id), options);
    try {
      await exists;
    } catch (error) {
      await writer.drop();
      throw error;
    }
    return writer;
  }

  async #mustExist(name: RepositoryName, id: string): Promise<void> {
    await this.#driver.stat(uploadStartedAtKey(name, id));
  }

  async #algorithm(name: RepositoryName, id: string): Promise<DigestAlgorithm> {
    const announced = this.#announced.get(id);
    if (announced !== undefined) return announced;
    try {
      const text = (await readContent(this.#driver, uploadAlgorithmKey(name, id), { limit: 64 })).toString(
        'latin1',
      );
      return isDigestAlgorithm(text) ? text : 'sha256';
    } catch (error) {
      if (error instanceof KeyNotFoundError) return 'sha256';
      throw error;
    }
  }
}
