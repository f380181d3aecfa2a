import { createS3Driver } from '../../../src/storage/s3/s3-driver.ts';
import type { S3Options, S3Timing } from '../../../src/storage/s3/s3-options.ts';
import type { StorageHarness } from '../../contract/storage-harness.ts';

/** Locks that are judged fast, and failures that are told soon. */
export const FAST: Partial<S3Timing> = {
  retryFor: 1_500,
  retryPause: 20,
  silence: 8_000,
  longSilence: 8_000,
  heartbeat: 30,
  verdict: 240,
  watch: 20,
  idleBuffer: 30,
};

export interface S3Place {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export function s3Options(place: S3Place, more: Partial<S3Options> = {}): S3Options {
  return {
    bucket: place.bucket,
    regionEndpoint: place.endpoint,
    credentials: { accessKeyId: place.accessKey, secretAccessKey: place.secretKey },
    forcePathStyle: true,
    chunkSize: 5 * 1024 * 1024,
    timing: FAST,
    ...more,
  };
}

/** Processes over one bucket. */
export function s3Harness(
  place: S3Place & Partial<AsyncDisposable>,
  more: Partial<S3Options> = {},
): StorageHarness {
  const closing: (() => Promise<void>)[] = [];
  return {
    async start() {
      let frozen = false;
      const driver = createS3Driver(
        s3Options(place, {
          every: (milliseconds, work) => {
            const timer = setInterval(() => frozen || work(), milliseconds);
            closing.push(async () => clearInterval(timer));
            return () => clearInterval(timer);
          },
          ...more,
        }),
      );
      closing.push(() => driver.close());
      return {
        driver,
        freeze: () => {
          frozen = true;
        },
      };
    },
    async close() {
      for (const close of closing.reverse()) await close();
      await place[Symbol.asyncDispose]?.();
    },
  };
}
