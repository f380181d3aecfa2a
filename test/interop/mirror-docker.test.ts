import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Docker, startDockerClassic, startDockerEngine } from '../support/docker.ts';
import { atHost, snippetOf } from '../support/document.ts';
import { type MirrorSetup, startMirrorSetup } from '../support/mirror-setup.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Tool } from '../support/tools.ts';

const COMMON: readonly Tool[] = [
  'docker-registry',
  'distribution',
  'docker',
  'crane',
  'htpasswd',
  'busybox',
  'containerd',
  'ctr',
  'root',
];

const DAEMONS = [
  {
    name: 'docker 20.10',
    tools: ['dockerd-classic', 'containerd-classic'],
    start: startDockerClassic,
    prefixes: [''],
    document: 'docs/mirror.md',
  },
  {
    name: 'docker Engine 29',
    tools: ['dockerd-engine'],
    start: startDockerEngine,
    prefixes: ['', '/docker.io'],
    document: 'README.md',
  },
] as const;

for (const daemon of DAEMONS) {
  for (const prefix of daemon.prefixes) {
    describeWith(
      [...COMMON, ...daemon.tools],
      `a mirror in registry-mirrors of ${daemon.name}${prefix === '' ? '' : `, below ${prefix}`}`,
      () => {
        const held = new AsyncDisposableStack();
        let it: MirrorSetup;
        let docker: Docker;
        let clients: Clients;
        let url: string;
        beforeAll(async () => {
          const scratch = held.use(makeScratch());
          clients = clientsIn(scratch.path);
          it = await startMirrorSetup(held, { scratch, clients });
          url = `${it.mirror.url}${prefix}`;
          const written = snippetOf(daemon.document, 'json', 'registry-mirrors');
          const setting =
            prefix === '' ? { daemonJson: atHost(written, it.mirror.host) } : { mirrors: [url] };
          docker = held.use(await daemon.start({ folder: scratch.path, ...setting }));
        });
        afterAll(() => held.disposeAsync());

        test('is named by docker info', async () => {
          expect((await docker.cli('info')).stdout).toContain(url);
        });

        test('gives an image with no way to the Internet, and again with the upstream gone', async () => {
          await docker.cli('pull', 'hello:v1');
          await docker.cli('rmi', 'hello:v1');
          await it.hub.stop();
          // Past the tag's time: the upstream would be asked.
          await delay(1_100);
          const again = await docker.cli('pull', 'hello:v1');
          expect(again.stdout).toContain(it.hello);
          await it.hub.start();
        });

        test('takes a push of what it mirrors to a bare name', async () => {
          await docker.cli('pull', 'hello:v1');
          const reference = `${it.mirror.host}/team/from-${daemon.tools[0]}:v1`;
          await docker.cli('tag', 'hello:v1', reference);
          await docker.cli('push', reference);
          await clients.crane('validate', '--remote', reference);
        });
      },
    );
  }
}
