import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { startRegistry } from '../support/registry-server.ts';
import { S3_SERVERS } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { startToxiproxy } from '../support/toxiproxy.ts';

describeWith(['versitygw', 'minio', 'distribution'], 'the S3 servers that tests use', () => {
  test.each(S3_SERVERS)('%s serves distribution', async (_, start) => {
    await using scratch = makeScratch();
    await using s3 = await start(scratch.path);
    const { endpoint: regionendpoint, accessKey: accesskey, secretKey: secretkey, bucket } = s3;
    const access = { accesskey, secretkey, bucket, region: 'us-east-1' };
    const storage = { s3: { ...access, regionendpoint, forcepathstyle: true, secure: false } };
    await using registry = await startRegistry({
      kind: 'distribution',
      directory: scratch.path,
      config: { storage },
    });
    const upload = await fetch(`${registry.url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
    expect(upload.status).toBe(202);
  });
});

describeWith(['toxiproxy', 'distribution'], 'toxiproxy', () => {
  test('leads to a registry, slowly when told so, and not at all when disabled', async () => {
    await using scratch = makeScratch();
    await using registry = await startRegistry({ kind: 'distribution', directory: scratch.path });
    await using toxiproxy = await startToxiproxy();
    const proxy = await toxiproxy.proxy('slow', registry.host);
    expect((await fetch(`http://${proxy.host}/v2/`)).status).toBe(200);
    await proxy.add({ name: 'late', type: 'latency', attributes: { latency: 300 } });
    const started = performance.now();
    await fetch(`http://${proxy.host}/v2/`);
    expect(performance.now() - started).toBeGreaterThan(290);
    await proxy.disable();
    await expect(fetch(`http://${proxy.host}/v2/`)).rejects.toThrow();
  });
});
