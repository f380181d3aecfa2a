import { byteSize, choice, duration, flag, integer, secret, text } from '../kit/scalars.ts';
import { free, obsolete, optionalSection, section } from '../kit/setting.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const s3Fields = {
  bucket: text('the bucket; must be there', { required: true, example: 'images' }),
  region: text('its region; may be left out beside regionendpoint', { example: 'us-east-1' }),
  regionendpoint: text('URL of a server other than AWS', { example: 'http://minio:9000' }),
  accesskey: secret('left out, the SDK looks in its own places', { example: 'key' }),
  secretkey: secret('belongs to accesskey', { example: 'secret' }),
  forcepathstyle: flag('bucket in the path, not in the host name', { initial: 'false' }),
  encrypt: flag('encryption by the server', { initial: 'false' }),
  keyid: text('KMS key for it; left out: AES256', { example: 'alias/registry' }),
  secure: flag('https where regionendpoint says no scheme', { initial: 'true' }),
  skipverify: flag('take any certificate', { initial: 'false' }),
  ca: text('PEM file of certificates to trust (not in distribution)', { example: '/etc/ssl/own.pem' }),
  v4auth: flag('must stay true: signatures of version 2 are gone', { initial: 'true' }),
  chunksize: byteSize({ from: 5 * MIB, to: 5 * GIB })('size of an upload part', { initial: '10MiB' }),
  multipartcopychunksize: byteSize({ from: 5 * MIB, to: 5 * GIB })('size of a part when copying', {
    initial: '32MiB',
  }),
  multipartcopymaxconcurrency: integer({ from: 1 })('parts copied at once', { initial: '100' }),
  multipartcopythresholdsize: byteSize({ to: 5 * GIB })('what is larger is copied in parts', {
    initial: '32MiB',
  }),
  rootdirectory: text('prefix of all keys', { example: 'registry' }),
  storageclass: choice(
    [
      'NONE',
      'STANDARD',
      'REDUCED_REDUNDANCY',
      'STANDARD_IA',
      'ONEZONE_IA',
      'INTELLIGENT_TIERING',
      'OUTPOSTS',
      'GLACIER_IR',
      'EXPRESS_ONEZONE',
    ],
    { normalise: (written) => written.toUpperCase() },
  )('NONE sends none', { initial: 'STANDARD' }),
  useragent: text('in the place of the own one', { example: 'registry' }),
  objectacl: choice([
    'private',
    'public-read',
    'public-read-write',
    'authenticated-read',
    'aws-exec-read',
    'bucket-owner-read',
    'bucket-owner-full-control',
  ])('canned ACL of what is written', { initial: 'private' }),
  usedualstack: flag('endpoints with IPv6', { initial: 'false' }),
  accelerate: flag('transfer acceleration', { initial: 'false' }),
  usefipsendpoint: flag('FIPS endpoints', { initial: 'false' }),
  redirectendpoint: text('in the place of the endpoint in signed URLs', {
    example: 'https://s3.example.com',
  }),
  loglevel: choice(
    [
      'off',
      'debug',
      'debugwithsigning',
      'debugwithhttpbody',
      'debugwithrequestretries',
      'debugwithrequesterrors',
      'debugwitheventstreambody',
    ],
    // YAML 1.1 takes `off` for false, and so may what writes the file.
    { normalise: (written) => (written.toLowerCase() === 'false' ? 'off' : written.toLowerCase()) },
  )("the SDK's own log", { initial: 'off' }),
  sessiontoken: obsolete('distribution does not read it either'),
};

export const storage = section(
  'where content lies: exactly one of filesystem, s3 and inmemory',
  {
    filesystem: optionalSection('a directory (the default)', {
      rootdirectory: text('the directory; left out: ./data, in the image /var/lib/registry', {
        example: './data',
      }),
      maxthreads: integer({ from: 0 })('file operations at once; 25 at least', { initial: '100' }),
    }),
    s3: optionalSection('an S3 bucket', s3Fields),
    s3aws: optionalSection('another name of s3', s3Fields, { aliasOf: 's3' }),
    inmemory: optionalSection('memory, for tests: gone with the process', {}),
    gcs: free('Google Cloud Storage', { secret: true }),
    azure: free('Azure Blob Storage', { secret: true }),
    swift: free('OpenStack Swift, of distribution 2', { secret: true }),
    oss: free('Alibaba OSS, of distribution 2', { secret: true }),
    delete: section('deletes by the API', { enabled: flag('allow them', { initial: 'false' }) }),
    redirect: section('sending readers to the bucket', {
      disable: flag('send them nowhere', { initial: 'false' }),
      expiry: duration({ positive: true })('how long a signed URL is good (not in distribution)', {
        initial: '20m',
      }),
    }),
    tag: section('tags', {
      concurrencylimit: integer({ from: 0 })(
        'tags looked at together when a manifest is deleted; 0 is automatic',
        {
          initial: '0',
        },
      ),
    }),
    cache: section('blob descriptors in memory', {
      blobdescriptor: choice(['inmemory', 'redis'])('inmemory, always', { initial: 'inmemory' }),
      layerinfo: obsolete('blobdescriptor is its name'),
      blobdescriptorsize: integer({ from: 0 })('how many; 0 is without limit', { initial: '10000' }),
    }),
    maintenance: section('what goes on beside requests', {
      uploadpurging: section('uploads that nobody ended', {
        enabled: flag('remove them', { initial: 'true' }),
        age: duration({ positive: true })('once they are older than this', { initial: '168h' }),
        interval: duration({ positive: true })('looking this often', { initial: '24h' }),
        dryrun: flag('only tell what would go', { initial: 'false' }),
      }),
      readonly: section('whatever writes', { enabled: flag('refuse it', { initial: 'false' }) }),
    }),
  },
  { expand: (driver) => ({ [driver]: null }) },
);
