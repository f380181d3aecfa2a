import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkBucket } from '../../../../src/storage/s3/check-bucket.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import { s3Options } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

let s3: InProcessS3;
let folder: string;

beforeEach(async () => {
  s3 = await InProcessS3.start();
  folder = await mkdtemp(join(tmpdir(), 'fairlead-credentials-'));
  // Nothing of this machine's is to be found.
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('HOME', folder);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

interface Fake extends AsyncDisposable {
  readonly url: string;
  readonly seen: string[];
}

/** A service on the loopback that gives credentials in its own way. */
async function fake(answer: (request: IncomingMessage) => string | object): Promise<Fake> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume();
    const body = answer(request);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Uses the bucket with nothing but what the environment leads to. @returns the session token that was sent */
async function sessionTokenSent(): Promise<unknown> {
  const options = s3Options(s3, { credentials: undefined });
  await checkBucket({ ...options, readOnly: false });
  const driver = createS3Driver(options);
  await driver.write('a/link', Buffer.from('x'));
  await driver.close();
  return s3.script.seen.at(-1)?.headers['x-amz-security-token'];
}

const later = () => new Date(Date.now() + 3_600_000).toISOString();

describe('credentials that the configuration does not name', () => {
  it('come from the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKey);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretKey);
    expect(await sessionTokenSent()).toBeUndefined();
    vi.stubEnv('AWS_SESSION_TOKEN', 'of the environment');
    expect(await sessionTokenSent()).toBe('of the environment');
  });

  it('come from a profile', async () => {
    const file = join(folder, 'credentials');
    const profile = `[other]\naws_access_key_id=${s3.accessKey}\naws_secret_access_key=x\naws_session_token=t\n`;
    await writeFile(file, `[default]\naws_access_key_id=wrong\naws_secret_access_key=x\n${profile}`);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    await expect(sessionTokenSent()).rejects.toThrow('storage.s3.accesskey');
    vi.stubEnv('AWS_PROFILE', 'other');
    expect(await sessionTokenSent()).toBe('t');
  });

  it('come for a web identity, as in Kubernetes', async () => {
    const file = join(folder, 'token');
    await writeFile(file, 'the identity');
    await using sts = await fake(
      () => `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials>
          <AccessKeyId>${s3.accessKey}</AccessKeyId><SecretAccessKey>x</SecretAccessKey>
          <SessionToken>of the role</SessionToken><Expiration>${later()}</Expiration>
        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file);
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/registry');
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url);
    expect(await sessionTokenSent()).toBe('of the role');
    expect(sts.seen[0]).toBe('POST /');
  });

  it('come for a container, as in ECS and by EKS Pod Identity', async () => {
    await using agent = await fake(({ headers }) =>
      headers.authorization === 'the token'
        ? { AccessKeyId: s3.accessKey, SecretAccessKey: 'x', Token: 'of the container', Expiration: later() }
        : {},
    );
    const file = join(folder, 'token');
    await writeFile(file, 'the token');
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${agent.url}/credentials`);
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', file);
    expect(await sessionTokenSent()).toBe('of the container');
  });

  it('come for the role of an instance', async () => {
    await using metadata = await fake(({ url = '', headers }) => {
      if (url.endsWith('/api/token')) return 'imds';
      if (headers['x-aws-ec2-metadata-token'] !== 'imds') return {};
      if (url.endsWith('/security-credentials/')) return 'registry';
      return {
        Code: 'Success',
        AccessKeyId: s3.accessKey,
        SecretAccessKey: 'x',
        Token: 'of the instance',
        Expiration: later(),
      };
    });
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined);
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', metadata.url);
    expect(await sessionTokenSent()).toBe('of the instance');
    expect(metadata.seen).toContain('GET /latest/meta-data/iam/security-credentials/registry');
  });

  it('are missed in one line', async () => {
    await expect(sessionTokenSent()).rejects.toThrow('storage.s3.accesskey: no credentials, neither in');
  });
});
