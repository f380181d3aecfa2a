import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';

describe('the file of a configuration', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-config-'));
    await writeFile(file('one.yml'), 'http: { addr: ":1" }');
    await writeFile(file('two.yml'), 'http: { addr: ":2" }');
    await writeFile(file('broken.yml'), 'http: [');
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('is the one named', () => {
    const environment = { REGISTRY_CONFIGURATION_PATH: file('two.yml') };
    expect(loadConfig({ file: file('one.yml'), environment })).toMatchObject({
      file: file('one.yml'),
      config: { http: { listen: { address: ':1' } } },
    });
  });

  it('is else the one in REGISTRY_CONFIGURATION_PATH, under the other variables', () => {
    const environment = { REGISTRY_CONFIGURATION_PATH: file('two.yml') };
    expect(loadConfig({ environment }).config.http.listen.address).toBe(':2');
    expect(
      loadConfig({ environment: { ...environment, REGISTRY_HTTP_ADDR: ':3' } }).config.http.listen.address,
    ).toBe(':3');
  });

  it('is else config/default.yml', () => {
    const { file: path, config } = loadConfig({ environment: {} });
    expect(path).toMatch(/config\/default\.yml$/);
    expect(config.storage.backend).toMatchObject({ rootDirectory: './data' });
    expect(loadConfig({ environment: { REGISTRY_CONFIGURATION_PATH: '' } }).file).toBe(path);
  });

  it('is looked for where the images of distribution have it, in the image only', () => {
    const imageFiles = [file('none.yml'), file('two.yml')];
    const image = { FAIRLEAD_IMAGE: '1' };
    expect(loadConfig({ imageFiles, environment: image }).file).toBe(file('two.yml'));
    expect(loadConfig({ imageFiles, environment: {} }).file).toMatch(/default\.yml$/);
    expect(loadConfig({ imageFiles: [], environment: image }).config.storage.backend).toMatchObject({
      rootDirectory: '/var/lib/registry',
    });
  });

  it('may be named as in the images of distribution though it is not there, in the image only', () => {
    const imageFiles = [file('none.yml')];
    const environment = { FAIRLEAD_IMAGE: '1' };
    expect(loadConfig({ file: file('none.yml'), imageFiles, environment })).toMatchObject({
      file: expect.stringMatching(/default\.yml$/),
      warnings: [{ path: file('none.yml'), message: expect.stringContaining('there is no such file') }],
    });
    expect(() => loadConfig({ file: file('none.yml'), imageFiles, environment: {} })).toThrow('no such file');
  });

  it('must be there and be YAML', () => {
    expect(() => loadConfig({ file: file('none.yml'), environment: {} })).toThrow('there is no such file');
    expect(() => loadConfig({ file: folder, environment: {} })).toThrow('cannot be read');
    expect(() => loadConfig({ file: file('broken.yml'), environment: {} })).toThrow('is not YAML: line 1');
  });
});
