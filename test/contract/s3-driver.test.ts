import { s3Harness } from '../support/s3/s3-harness.ts';
import { InProcessS3 } from '../support/s3/s3-server.ts';
import { describeStorageContract } from './storage-driver-contract.ts';

describeStorageContract('S3, in this process', async () => s3Harness(await InProcessS3.start()));
