import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { pushGreeting, pushMultiArch } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

interopSuite('regctl', ['regctl', 'crane', 'busybox'], (context) => {
  beforeAll(async () => {
    await context.clients.regctl('registry', 'set', '--tls', 'disabled', context.registry.host);
  });

  test('puts artifacts with a subject and lists them, filtered too', async () => {
    const { clients, registry, scratch } = context;
    const subject = `${registry.host}/team/subject:v1`;
    await pushGreeting(clients, { folder: scratch.path, reference: subject, text: 'subject' });
    for (const kind of ['sbom', 'signature']) {
      const put = ['--artifact-type', `application/vnd.example.${kind}`, '--subject', subject];
      await clients.regctl.with({ input: `the ${kind}` })('artifact', 'put', ...put);
    }
    const list = [
      'artifact',
      'list',
      subject,
      '--format',
      '{{range .Descriptors}}{{println .ArtifactType}}{{end}}',
    ];
    const all = (await clients.regctl(...list)).stdout.trim().split('\n').sort();
    expect(all).toEqual(['application/vnd.example.sbom', 'application/vnd.example.signature']);
    const filtered = await clients.regctl(...list, '--filter-artifact-type', 'application/vnd.example.sbom');
    expect(filtered.stdout.trim()).toBe('application/vnd.example.sbom');
    const got = await clients.regctl(
      'artifact',
      'get',
      '--subject',
      subject,
      '--filter-artifact-type',
      'application/vnd.example.sbom',
    );
    expect(got.stdout).toBe('the sbom');
  });

  test('deletes one tag and leaves the others on the same manifest', async () => {
    const { clients, registry, scratch } = context;
    const repository = `${registry.host}/team/tags`;
    await pushGreeting(clients, { folder: scratch.path, reference: `${repository}:keep`, text: 'tags' });
    await clients.crane('tag', `${repository}:keep`, 'drop');
    await clients.regctl('tag', 'delete', `${repository}:drop`);
    expect((await clients.regctl('tag', 'ls', repository)).stdout.trim()).toBe('keep');
    await clients.crane('validate', '--remote', `${repository}:keep`);
  });

  test('puts a blob in chunks and gets it back', async () => {
    const { clients, registry } = context;
    const repository = `${registry.host}/team/blobs`;
    await clients.regctl('registry', 'set', '--blob-chunk', '100000', '--blob-max', '150000', registry.host);
    const content = randomBytes(450_000).toString('base64');
    const { stdout } = await clients.regctl.with({ input: content })('blob', 'put', repository);
    const back = await clients.regctl('blob', 'get', repository, stdout.trim());
    expect(back.stdout === content).toBe(true);
    await clients.regctl('blob', 'delete', repository, stdout.trim());
    expect((await clients.regctl.attempt('blob', 'head', repository, stdout.trim())).code).not.toBe(0);
  });

  test('copies an index with its referrers and digest tags', async () => {
    const { clients, registry, scratch } = context;
    const from = `${registry.host}/team/index:v1`;
    const to = `${registry.host}/copies/index:v1`;
    const digest = await pushMultiArch(clients, { folder: scratch.path, reference: from, text: 'index' });
    await clients.regctl.with({ input: 'note' })(
      'artifact',
      'put',
      '--artifact-type',
      'application/vnd.example.note',
      '--subject',
      from,
    );
    await clients.regctl('image', 'copy', '--referrers', '--digest-tags', from, to);
    expect((await clients.regctl('image', 'digest', to)).stdout.trim()).toBe(digest);
    expect((await clients.regctl('artifact', 'get', '--subject', to)).stdout).toBe('note');
  });
});
