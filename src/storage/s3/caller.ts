import type { S3Client } from '@aws-sdk/client-s3';
import { SilentServerError } from './http-handler.ts';
import { Places } from './places.ts';
import { retrying } from './retry.ts';
import { type Failure, facts, failureOf, storageError } from './s3-errors.ts';
import { DEFAULT_TIMING, type S3Options, type S3Timing } from './s3-options.ts';

/** Requests under way at once, bodies of reads apart: more wait for their turn. */
const REQUESTS_AT_ONCE = 128;

/** What a call to the SDK gets along. */
export interface HttpOptions {
  readonly abortSignal?: AbortSignal;
  /** Milliseconds of silence that are borne. */
  readonly requestTimeout: number;
}

export interface CallOptions {
  /** For the message: `S3 could not <doing> <key>`. */
  readonly doing: string;
  readonly key: string;
  readonly signal?: AbortSignal | undefined;
  /** The server has much to do or much to receive before it can answer. */
  readonly long?: boolean;
  /** Failures that the caller knows what to do with; they come as ExpectedFailure. */
  readonly expected?: readonly Failure[];
}

/** One of the failures that a call named as expected. */
export class ExpectedFailure extends Error {
  override readonly name = 'ExpectedFailure';
  readonly failure: Failure;
  /** Whether a try before this answer failed with its outcome unknown: it may have been carried out. */
  readonly ambiguous: boolean;

  constructor(failure: Failure, options: ErrorOptions & { readonly ambiguous: boolean }) {
    super(failure, options);
    this.failure = failure;
    this.ambiguous = options.ambiguous;
  }
}

/** Every request to the bucket goes through here: bounded, tried again, its failures named. */
export class Caller {
  readonly client: S3Client;
  readonly bucket: string;
  readonly timing: S3Timing;
  readonly #prefix: string;
  readonly #places = new Places(REQUESTS_AT_ONCE);
  /** When the bucket answered last, whatever it said. */
  #answeredAt = 0;
  readonly #onSilence: ((reason: Error) => void)[] = [];

  constructor(client: S3Client, options: S3Options) {
    this.client = client;
    this.bucket = options.bucket;
    this.timing = { ...DEFAULT_TIMING, ...options.timing };
    const root = (options.rootDirectory ?? '').replace(/^\/+|\/+$/g, '');
    this.#prefix = root === '' ? '' : `${root}/`;
  }

  /** The bucket's name for a key; for the empty key the prefix of all. */
  nameOf(key: string): string {
    return this.#prefix + key;
  }

  /** As a copy names what it copies. */
  copySourceOf(key: string): string {
    return `${this.bucket}/${this.nameOf(key).split('/').map(encodeURIComponent).join('/')}`;
  }

  keyOf(name: string): string {
    return name.slice(this.#prefix.length);
  }

  /**
   * Is called when a request was given up for silence, and nothing else was answered while it waited. Who waits for
   * such requests to end would wait for others of the same kind next.
   */
  onSilence(listener: (reason: Error) => void): void {
    this.#onSilence.push(listener);
  }

  /**
   * @param request is called for every try
   * @throws ExpectedFailure, or what the driver's contract names; the signal's reason when that was aborted
   */
  async call<Result>(
    request: (http: HttpOptions) => Promise<Result>,
    { doing, key, signal, long, expected = [] }: CallOptions,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const { retryFor, retryPause, silence, longSilence } = this.timing;
    const http = {
      requestTimeout: long === true ? longSilence : silence,
      ...(signal === undefined ? {} : { abortSignal: signal }),
    };
    let tries = 0;
    try {
      return await retrying(
        (before) => {
          tries = before;
          return this.#places.run(() => this.#watched(request, http));
        },
        { retryFor, retryPause, signal, isPassing: (error) => failureOf(error) === 'passing' },
      );
    } catch (error) {
      signal?.throwIfAborted();
      const failure = failureOf(error);
      if (expected.includes(failure))
        throw new ExpectedFailure(failure, { cause: error, ambiguous: tries > 0 });
      throw storageError(error, { key, doing });
    }
  }

  async #watched<Result>(
    request: (http: HttpOptions) => Promise<Result>,
    http: HttpOptions,
  ): Promise<Result> {
    const begun = performance.now();
    try {
      const result = await request(http);
      this.#answeredAt = performance.now();
      return result;
    } catch (error) {
      if (facts(error).status !== undefined) this.#answeredAt = performance.now();
      if (error instanceof SilentServerError && this.#answeredAt < begun) {
        this.#places.refuse(error);
        for (const tell of this.#onSilence) tell(error);
      }
      throw error;
    }
  }
}
