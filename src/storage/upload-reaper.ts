import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import { readContent } from './content.ts';
import type { StorageDriver } from './driver.ts';
import { uploadFolder, uploadStartedAtKey, uploadsFolder } from './layout.ts';
import { walkRepositories } from './repository-walk.ts';
import { KeyNotFoundError, UploadBusyError } from './storage-errors.ts';
import type { StorageLog } from './storage-log.ts';

export interface ReapOptions {
  /** Milliseconds since the session began. */
  readonly age: number;
  /** Only says what would be removed. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Where the reaper says what it did. */
export interface ReaperLog extends StorageLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Removes upload sessions that nobody ended: distribution's `maintenance.uploadpurging`. */
export class UploadReaper {
  readonly #driver: StorageDriver;
  readonly #log: ReaperLog;
  readonly #clock: () => Date;

  constructor(driver: StorageDriver, options: { readonly log: ReaperLog; readonly clock: () => Date }) {
    this.#driver = driver;
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** @returns how many sessions were removed, or would have been */
  async reap(options: ReapOptions): Promise<number> {
    let removed = 0;
    for await (const { name, parts } of walkRepositories(this.#driver, { signal: options.signal })) {
      if (!parts.has('_uploads') || !isRepositoryName(name)) continue;
      const { entries } = await this.#driver.list(uploadsFolder(name), { signal: options.signal });
      for (const entry of entries) {
        options.signal.throwIfAborted();
        if (entry.kind === 'folder' && (await this.#tryToReap(name, entry.name, options))) removed += 1;
      }
    }
    await this.#abandon(options);
    return removed;
  }

  /** What writers left that no session leads to; with a folder, what distribution's session in it left. */
  async #abandon({ age, dryRun, signal }: ReapOptions, folder?: string): Promise<void> {
    const keys = await this.#driver.capabilities?.unfinishedWrites?.abandon({
      before: new Date(this.#clock().getTime() - age),
      dryRun,
      signal,
      ...(folder === undefined ? {} : { prefix: `${folder}/data` }),
    });
    if (keys === undefined || keys.length === 0) return;
    this.#log.info({ keys, dryRun }, 'unfinished writes that nobody goes on with');
  }

  /** One session that cannot be removed must not keep all others. */
  async #tryToReap(name: RepositoryName, id: string, options: ReapOptions): Promise<boolean> {
    try {
      return await this.#reapSession(name, id, options);
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof KeyNotFoundError) return false;
      this.#log.warn({ repository: name, session: id, err: error }, 'an old upload session was not removed');
      return false;
    }
  }

  async #reapSession(name: RepositoryName, id: string, options: ReapOptions): Promise<boolean> {
    const { age, dryRun } = options;
    const startedAt = await this.#startedAt(name, id);
    if (startedAt === undefined || this.#clock().getTime() - startedAt.getTime() < age) return false;
    const fields = { repository: name, session: id, startedAt: startedAt.toISOString() };
    if (dryRun) {
      this.#log.info(fields, 'an old upload session would be removed');
      return true;
    }
    await this.#abandon(options, uploadFolder(name, id));
    if (!(await this.#drop(uploadFolder(name, id)))) return false;
    this.#log.info(fields, 'an old upload session was removed');
    return true;
  }

  /** Through the writer, so that a session that somebody is writing to stays. */
  async #drop(folder: string): Promise<boolean> {
    try {
      const writer = await this.#driver.uploads.open(folder);
      await writer.drop();
      return true;
    } catch (error) {
      if (error instanceof UploadBusyError) return false;
      if (!(error instanceof KeyNotFoundError)) throw error;
    }
    await this.#driver.deleteFolder(folder);
    return true;
  }

  /** undefined while the session is being made, or when it is just gone; what does not tell is as old as its files. */
  async #startedAt(name: RepositoryName, id: string): Promise<Date | undefined> {
    const key = uploadStartedAtKey(name, id);
    try {
      const text = (await readContent(this.#driver, key, { limit: 256 })).toString('latin1');
      const time = Date.parse(text);
      return Number.isNaN(time) ? (await this.#driver.stat(key)).modifiedAt : new Date(time);
    } catch (error) {
      if (error instanceof KeyNotFoundError) return this.#writtenAt(uploadFolder(name, id));
      throw error;
    }
  }

  /** When the youngest object in the folder was written. */
  async #writtenAt(folder: string): Promise<Date | undefined> {
    const { entries } = await this.#driver.list(folder);
    let youngest: Date | undefined;
    for (const entry of entries) {
      if (entry.kind !== 'object') continue;
      const { modifiedAt } = await this.#driver.stat(`${folder}/${entry.name}`);
      if (youngest === undefined || modifiedAt > youngest) youngest = modifiedAt;
    }
    return youngest;
  }
}
