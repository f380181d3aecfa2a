import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { freePort } from '../support/free-port.ts';
import type { RegistryConfig } from '../support/registry-server.ts';
import { attempt } from '../support/run.ts';
import { S3_SERVERS, type S3Server } from '../support/s3-servers.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

const fairlead = fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url));

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name], `a start with a bucket on ${name} that cannot be used`, () => {
    const held = new AsyncDisposableStack();
    let scratch: Scratch;
    let s3: S3Server;
    beforeAll(async () => {
      scratch = held.use(makeScratch());
      s3 = held.use(await startS3(scratch.path));
    });
    afterAll(() => held.disposeAsync());

    /** How a server ends that is started with this, within ten seconds. */
    const start = async (title: string, more: RegistryConfig) => {
      const config = scratch.at(`${title}.yml`);
      const storage = s3Storage(s3, more);
      await writeFile(config, JSON.stringify({ version: 0.1, storage, http: { addr: '127.0.0.1:0' } }));
      const { HOME: _, ...env } = process.env;
      const plain = Object.entries(env).filter(([key]) => !/^AWS_|^REGISTRY_/.test(key));
      return attempt(process.execPath, [fairlead, 'serve', config], {
        env: { ...Object.fromEntries(plain), HOME: scratch.path, AWS_EC2_METADATA_DISABLED: 'true' },
        timeout: 10_000,
      });
    };

    const wrong: readonly [string, string, RegistryConfig][] = [
      ['bucket', 'storage.s3.bucket: there is no bucket other', { bucket: 'other' }],
      ['accesskey', 'storage.s3.accesskey: ', { accesskey: 'wrong' }],
      ['secretkey', 'storage.s3.secretkey: ', { secretkey: 'wrong' }],
      [
        'no-credentials',
        'storage.s3.accesskey: no credentials',
        { accesskey: undefined, secretkey: undefined },
      ],
      ['host', 'storage.s3.regionendpoint: ', { regionendpoint: 'http://no.such.host.invalid' }],
      ['tls', 'storage.s3.secure: ', { secure: true, regionendpoint: 'HOST' }],
    ];

    test.concurrent.each(wrong)(
      'is told in one line that names the key: %s',
      async (title, message, more) => {
        const host = new URL(s3.endpoint).host;
        const { regionendpoint } = more;
        const { code, output } = await start(
          title,
          regionendpoint === 'HOST' ? { ...more, regionendpoint: host } : more,
        );
        expect(output.trimEnd().split('\n')).toEqual([expect.stringContaining(`fairlead: ${message}`)]);
        expect(code).toBe(1);
      },
    );

    test.concurrent('is told when nobody listens, and when nobody answers', async () => {
      const silent = createServer();
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const ports = [await freePort(), (silent.address() as AddressInfo).port];
      const ends = ports.map((port) => start(`port-${port}`, { regionendpoint: `http://127.0.0.1:${port}` }));
      for (const { code, output } of await Promise.all(ends)) {
        expect(output.trimEnd().split('\n')).toEqual([
          expect.stringContaining('fairlead: storage.s3.regionendpoint: http://127.0.0.1:'),
        ]);
        expect(code).toBe(1);
      }
      silent.close();
    });
  });
}
