import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { ScriptedUpstream } from '../../support/upstream/scripted-upstream.ts';

async function fairlead(...args: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await run(args, { stdin: Readable.from([]), stdout, stderr });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

describe('the command line', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-cli-'));
    await writeFile(file('good.yml'), 'http: { addr: ":1", secret: hunter2 }\nreporting: {}');
    await writeFile(file('bad.yml'), 'http: { adr: ":1" }\nstorge: {}\nreporting: {}');
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each([[[]], [['--help']], [['-h']], [['help']]])('explains itself: %j', async (args) => {
    expect(await fairlead(...args)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('fairlead serve [CONFIG]'),
    });
  });

  it('tells its version', async () => {
    expect(await fairlead('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^fairlead \d/),
    });
  });

  it.each([['srve'], ['toString'], ['--nope']])('does not know %s', async (name) => {
    expect(await fairlead(name)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown command'),
    });
  });

  it.each([
    [['check-config', 'a', 'b'], 'unexpected argument "b"'],
    [['serve', '--nope'], '--nope'],
  ])('refuses %j', async (args, message) => {
    expect(await fairlead(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  it('prints the configuration in force, with secrets hidden', async () => {
    const { code, stdout, stderr } = await fairlead('check-config', file('good.yml'));
    expect(code).toBe(0);
    expect(stdout).toContain('addr: :1');
    expect(stdout).toContain('draintimeout: 8s');
    expect(stdout).not.toContain('hunter2');
    expect(stderr).toContain('warning: reporting');
  });

  it('says of a broken handshake what it means', async () => {
    await using plain = await ScriptedUpstream.start();
    await writeFile(
      file('probe.yml'),
      `mirror: { upstreams: [{ name: a, urls: ["https://${plain.host}"] }] }`,
    );
    const { code, stdout } = await fairlead('check-config', '--probe', file('probe.yml'));
    expect(code).toBe(1);
    expect(stdout).toBe(`a ${plain.host} does not answer: does not speak TLS, as https:// needs it\n`);
  });

  it('gives a proxied upstream the time that mirror.timeouts says', async () => {
    await using silent = await ScriptedUpstream.start();
    silent.on(/./, () => {});
    await writeFile(
      file('proxy.yml'),
      `proxy: { remoteurl: "${silent.url}" }\nmirror: { timeouts: { firstbyte: 20ms } }`,
    );
    const { code, stdout } = await fairlead('check-config', '--probe', file('proxy.yml'));
    expect(code).toBe(1);
    expect(stdout).toBe(`remote ${silent.host} does not answer: no answer within 20 ms\n`);
  });

  it.each([
    [
      'one of mirror.upstreams',
      'up',
      (url: string) => `mirror: { upstreams: [{ name: up, urls: ["${url}"] }] }`,
    ],
    ['proxy.remoteurl', 'remote', (url: string) => `proxy: { remoteurl: "${url}" }`],
  ])('names what can be set for a certificate of nobody known at %s', async (_, name, config) => {
    await using upstream = await ScriptedUpstream.start({ tls: true });
    await writeFile(file('tls.yml'), config(upstream.url));
    expect(await fairlead('check-config', '--probe', file('tls.yml'))).toMatchObject({
      code: 1,
      stdout:
        `${name} ${upstream.host} does not answer: its certificate is of no authority that is trusted: ` +
        'NODE_EXTRA_CA_CERTS in the environment can name it, or `ca` of one of mirror.upstreams, whose `insecure` takes any\n',
    });
  });

  it('names the key whose certificates cannot be read', async () => {
    await writeFile(
      file('ca.yml'),
      `mirror: { upstreams: [docker.io, { name: quay.io, ca: ${file('no.pem')} }] }`,
    );
    await expect(fairlead('check-config', '--probe', file('ca.yml'))).rejects.toThrow(
      'mirror.upstreams[1].ca cannot be read',
    );
  });

  it('prints every error of a configuration', async () => {
    const { code, stdout, stderr } = await fairlead('check-config', file('bad.yml'));
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('http.adr: unknown key; did you mean http.addr?');
    expect(stderr).toContain('storge: unknown key; did you mean storage?');
    expect(stderr).toContain('warning: reporting');
  });

  it.each([
    [['serve']],
    [['registry', 'serve']],
    [['/bin/registry', 'serve']],
    [[]],
    [['garbage-collect', '-d', '-m']],
    [['registry', 'garbage-collect', '--dry-run', '--delete-untagged', '--quiet']],
  ])("takes distribution's line %j and a file", async (args) => {
    expect(await fairlead(...args, file('bad.yml'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('http.adr'),
    });
  });
});
