import { beforeAll, expect, test } from 'vitest';
import { pushGreeting, pushMultiArch } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

const plainHttp = ['--src-tls-verify=false', '--dest-tls-verify=false'];

interopSuite('skopeo', ['skopeo', 'crane', 'busybox'], (context) => {
  let multi: string;
  beforeAll(async () => {
    const { clients, registry, scratch } = context;
    multi = `${registry.host}/team/multi:v1`;
    await pushMultiArch(clients, { folder: scratch.path, reference: multi, text: 'multi' });
  });

  test('copies an image out and in again, unchanged', async () => {
    const { clients, registry, scratch } = context;
    const reference = `${registry.host}/team/single:v1`;
    const digest = await pushGreeting(clients, { folder: scratch.path, reference, text: 'single' });
    const folder = `dir:${scratch.at('single')}`;
    await clients.skopeo('copy', ...plainHttp, '--preserve-digests', `docker://${reference}`, folder);
    await clients.skopeo(
      'copy',
      ...plainHttp,
      '--preserve-digests',
      folder,
      `docker://${registry.host}/back/single:v1`,
    );
    expect((await clients.crane('digest', `${registry.host}/back/single:v1`)).stdout.trim()).toBe(digest);
    await clients.crane('validate', '--remote', `${registry.host}/back/single:v1`);
  });

  test('pushes an OCI layout', async () => {
    const { clients, registry, scratch } = context;
    const layout = `oci:${scratch.at('layout')}:v1`;
    await clients.skopeo('copy', ...plainHttp, `docker://${multi}`, layout);
    await clients.skopeo('copy', ...plainHttp, layout, `docker://${registry.host}/team/from-layout:v1`);
    await clients.crane('validate', '--remote', `${registry.host}/team/from-layout:v1`);
  });

  test('copies every platform from repository to repository', async () => {
    const { clients, registry } = context;
    const [first, second] = [`${registry.host}/copies/first:v1`, `${registry.host}/copies/second:v1`];
    const copy = (from: string, to: string, ...options: string[]) =>
      clients.skopeo('copy', ...plainHttp, '--all', ...options, `docker://${from}`, `docker://${to}`);
    // skopeo 1.9 drops the artifact types that crane writes into an index; what it wrote itself it copies as it is.
    await copy(multi, first);
    await copy(first, second, '--preserve-digests');
    const digests = await Promise.all([first, second].map((reference) => clients.crane('digest', reference)));
    expect(digests[1]?.stdout).toBe(digests[0]?.stdout);
    await clients.crane('validate', '--remote', second);
  });

  test('turns an image into Docker schema 2 and back to OCI on the way', async () => {
    const { clients, registry } = context;
    const docker = `docker://${registry.host}/formats/docker:v1`;
    await clients.skopeo('copy', ...plainHttp, '--format', 'v2s2', `docker://${multi}`, docker);
    await clients.skopeo(
      'copy',
      ...plainHttp,
      '--format',
      'oci',
      docker,
      `docker://${registry.host}/formats/oci:v1`,
    );
    const raw = await clients.skopeo('inspect', '--tls-verify=false', '--raw', docker);
    expect(JSON.parse(raw.stdout)).toMatchObject({
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    });
  });

  test('inspects, lists tags and deletes', async () => {
    const { clients, registry, scratch } = context;
    const name = `${registry.host}/team/inspected`;
    const digest = await pushGreeting(clients, {
      folder: scratch.path,
      reference: `${name}:v1`,
      text: 'see',
    });
    const seen = await clients.skopeo('inspect', '--tls-verify=false', `docker://${name}:v1`);
    expect(JSON.parse(seen.stdout)).toMatchObject({ Name: name, Digest: digest, RepoTags: ['v1'] });
    await clients.skopeo('delete', '--tls-verify=false', `docker://${name}:v1`);
    expect((await clients.crane.attempt('manifest', `${name}@${digest}`)).code).not.toBe(0);
  });
});
