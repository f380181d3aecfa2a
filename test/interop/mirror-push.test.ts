import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import {
  CLASSIC_DOCKER,
  DOCKER_ENGINE,
  type Docker,
  startDockerClassic,
  startDockerEngine,
} from '../support/docker.ts';
import { pushGreeting } from '../support/images.ts';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { answer, silence } from '../support/upstream/faults.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

/** Milliseconds that a push may take, however its upstream is: the first who asks a slow one waits. */
const PUSH = 30_000;

const STATES = ['up', 'slow', 'limited', 'gone'] as const;

describeWith(
  ['crane', 'skopeo', 'busybox', ...CLASSIC_DOCKER, ...DOCKER_ENGINE],
  'a push beside the mirror',
  () => {
    const held = new AsyncDisposableStack();
    let scratch: Scratch;
    let clients: Clients;
    let source: RegistryServer;
    let classic: Docker;
    let engine: Docker;
    beforeAll(async () => {
      scratch = held.use(makeScratch());
      clients = clientsIn(scratch.path);
      source = held.use(await startRegistry({ kind: 'fairlead', directory: scratch.at('source') }));
      await pushGreeting(clients, { folder: scratch.path, reference: image(), text: 'pushed' });
      classic = held.use(await startDockerClassic({ folder: scratch.path }));
      engine = held.use(await startDockerEngine({ folder: scratch.path }));
      for (const { cli } of [classic, engine]) await cli('pull', image());
    });
    afterAll(() => held.disposeAsync());

    const image = () => `${source.host}/ours:v1`;
    const byDocker =
      ({ cli }: Docker) =>
      async (reference: string) => {
        await cli('tag', image(), reference);
        await cli('push', reference);
      };
    const PUSHERS: readonly [string, (reference: string) => Promise<unknown>][] = [
      ['docker 20.10', (reference) => byDocker(classic)(reference)],
      ['docker Engine 29', (reference) => byDocker(engine)(reference)],
      ['crane', (reference) => clients.crane('copy', image(), reference)],
      [
        'skopeo',
        (reference) =>
          clients.skopeo(
            'copy',
            '--src-tls-verify=false',
            '--dest-tls-verify=false',
            `docker://${image()}`,
            `docker://${reference}`,
          ),
      ],
    ];

    describe.each(STATES)('with the upstream %s', (state) => {
      let upstream: ScriptedUpstream;
      let mirror: RegistryServer;
      beforeAll(async () => {
        upstream = held.use(await ScriptedUpstream.start());
        for (const name of ['library/taken', 'team/taken'])
          upstream.addImage(name, 'v1', [Buffer.from(name)]);
        mirror = held.use(
          await startRegistry({
            kind: 'fairlead',
            directory: scratch.at(state),
            config: { mirror: { upstreams: [{ name: 'docker.io', urls: [upstream.url], tagttl: '0s' }] } },
          }),
        );
        // Of these something is here, so that the upstream is asked for more of them.
        for (const [name] of PUSHERS.entries()) {
          upstream.addImage(`team/known${name}`, 'v1', [Buffer.from(`known ${name}`)]);
          const got = await fetch(`${mirror.url}/v2/team/known${name}/manifests/v1`);
          expect(got.status).toBe(200);
        }
        if (state === 'slow') upstream.on(/./, silence);
        if (state === 'limited') upstream.on(/./, answer(429, { 'retry-after': '600' }));
        if (state === 'gone') await upstream.stop();
      });

      test.each(PUSHERS.map(([name, push], index) => [name, { push, index }] as const))(
        '%s pushes to a name of its own, to one that the upstream has, and to one that was pulled from it',
        async (_, { push, index }) => {
          const digest = (await clients.crane('digest', image())).stdout.trim();
          for (const name of [
            `new${index}`,
            `team/new${index}`,
            'taken',
            'team/taken',
            `team/known${index}`,
          ]) {
            const reference = `${mirror.host}/${name}:v1`;
            const begun = performance.now();
            await push(reference);
            expect(performance.now() - begun).toBeLessThan(PUSH);
            await clients.crane('validate', '--remote', reference);
            const got = (await clients.crane('digest', reference)).stdout.trim();
            // The daemons write manifests of their own.
            if (index > 1) expect(got).toBe(digest);
          }
        },
      );

      test('what the upstream has under a name that was taken over is reached by prefix', async () => {
        const got = await fetch(`${mirror.url}/v2/docker.io/team/known0/manifests/v1`);
        expect(got.status).toBe(200);
        expect(got.headers.get('docker-content-digest')).toBe(
          upstream.manifests.get('team/known0@v1')?.digest,
        );
      });
    });

    test.each(PUSHERS)(
      '%s is told that a mirrored name takes no push, and what name to use',
      async (_, push) => {
        await using upstream = await ScriptedUpstream.start();
        await using mirror = await startRegistry({
          kind: 'fairlead',
          directory: scratch.at('refusing'),
          config: { mirror: { upstreams: [{ name: 'docker.io', urls: [upstream.url] }] } },
        });
        const pushing = push(`${mirror.host}/docker.io/team/app:v1`);
        await expect(pushing).rejects.toThrow(/is mirrored from an upstream.* such as team\/app/);
      },
    );
  },
);
