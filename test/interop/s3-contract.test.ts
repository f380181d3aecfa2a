import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { describeStorageContract } from '../contract/storage-driver-contract.ts';
import { describeWith } from '../support/describe-with.ts';
import { s3Harness } from '../support/s3/s3-harness.ts';
import { S3_SERVERS, type S3Server } from '../support/s3-servers.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

/** Verdicts that a server on a busy machine can keep up with. */
const timing = { heartbeat: 250, verdict: 2_000, watch: 100, retryFor: 3_000, silence: 20_000 };

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name], `the S3 driver on ${name}`, () => {
    let scratch: Scratch;
    let server: S3Server | undefined;

    beforeAll(async () => {
      scratch = makeScratch();
      server = await startS3(scratch.path);
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    });

    describeStorageContract(`S3, on ${name}`, async () => {
      if (server === undefined) throw new Error(`${name} did not start`);
      const { endpoint, bucket, accessKey, secretKey } = server;
      return s3Harness({ endpoint, bucket, accessKey, secretKey }, { rootDirectory: randomUUID(), timing });
    });
  });
}
