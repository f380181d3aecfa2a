import type { Report } from '../problems.ts';
import type { Settings } from '../schema/schema.ts';
import type { S3Backend, S3Credentials, StorageBackend, StorageConfig } from '../types/storage.ts';

type StorageSettings = Settings['storage'];
type S3Settings = NonNullable<StorageSettings['s3']>;

export function resolveStorage(storage: StorageSettings, report: Report): StorageConfig {
  const { uploadpurging, readonly } = storage.maintenance;
  return {
    backend: resolveBackend(storage, report),
    deleteEnabled: storage.delete.enabled,
    redirect: !storage.redirect.disable,
    redirectExpiry: storage.redirect.expiry,
    readOnly: readonly.enabled,
    uploadPurging: {
      enabled: uploadpurging.enabled,
      age: uploadpurging.age,
      interval: uploadpurging.interval,
      dryRun: uploadpurging.dryrun,
    },
    tagConcurrencyLimit: storage.tag.concurrencylimit,
    blobDescriptorCacheSize: storage.cache.blobdescriptorsize,
  };
}

function resolveBackend(storage: StorageSettings, report: Report): StorageBackend {
  const { filesystem, s3, s3aws, inmemory, gcs, azure, swift, oss } = storage;
  const given = Object.entries({ filesystem, s3, s3aws, inmemory, gcs, azure, swift, oss })
    .filter(([, driver]) => driver !== undefined)
    .map(([name]) => name);
  if (given.length > 1) report.problem(`must name exactly one driver, found ${given.join(' and ')}`);

  const bucket = s3 ?? s3aws;
  if (bucket !== undefined) return resolveS3(bucket, report.at(s3 === undefined ? 's3aws' : 's3'));
  if (inmemory !== undefined) return { driver: 'inmemory' };
  return {
    driver: 'filesystem',
    rootDirectory: filesystem?.rootdirectory ?? '',
    maxThreads: filesystem?.maxthreads ?? 0,
  };
}

function resolveS3(s3: S3Settings, report: Report): S3Backend {
  if (s3.region === undefined && s3.regionendpoint === undefined) {
    report.at('region').problem('must be given, unless there is a regionendpoint');
  }
  if (s3.redirectendpoint !== undefined && !/^https?:\/\/[^/]/i.test(s3.redirectendpoint)) {
    report.at('redirectendpoint').problem('must be a URL with http:// or https://');
  }
  if (!s3.v4auth) report.at('v4auth').warning('signatures of version 2 are gone; version 4 is used');
  return {
    driver: 's3',
    bucket: s3.bucket,
    region: s3.region,
    regionEndpoint: s3.regionendpoint,
    credentials: resolveCredentials(s3, report),
    forcePathStyle: s3.forcepathstyle,
    encrypt: s3.encrypt,
    keyId: s3.keyid,
    secure: s3.secure,
    skipVerify: s3.skipverify,
    ca: s3.ca,
    chunkSize: s3.chunksize,
    multipartCopyChunkSize: s3.multipartcopychunksize,
    multipartCopyMaxConcurrency: s3.multipartcopymaxconcurrency,
    multipartCopyThresholdSize: s3.multipartcopythresholdsize,
    rootDirectory: s3.rootdirectory?.replace(/^\/+|\/+$/g, '') ?? '',
    storageClass: s3.storageclass === 'NONE' ? undefined : s3.storageclass,
    userAgent: s3.useragent,
    objectAcl: s3.objectacl,
    useDualStack: s3.usedualstack,
    accelerate: s3.accelerate,
    useFipsEndpoint: s3.usefipsendpoint,
    redirectEndpoint: s3.redirectendpoint,
    logLevel: s3.loglevel,
  };
}

function resolveCredentials({ accesskey, secretkey }: S3Settings, report: Report): S3Credentials | undefined {
  if (accesskey !== undefined && secretkey !== undefined)
    return { accessKey: accesskey, secretKey: secretkey };
  if (accesskey !== undefined) report.at('secretkey').problem('must be given where there is an accesskey');
  if (secretkey !== undefined) report.at('accesskey').problem('must be given where there is a secretkey');
  return undefined;
}
