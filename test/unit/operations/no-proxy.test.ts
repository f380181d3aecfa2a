import { expect, test } from 'vitest';
import { parseNoProxy } from '../../../src/operations/no-proxy.ts';

const direct = (entries: string, url: string): boolean => parseNoProxy(entries.split(','))(new URL(url));

test.each([
  ['*', 'https://registry.example/'],
  ['registry.example', 'https://registry.example/v2/'],
  ['registry.example', 'http://deep.registry.example:5000/'],
  ['Registry.Example.', 'https://registry.example./'],
  ['.example', 'https://registry.example/'],
  ['*.registry.example', 'https://eu.registry.example/'],
  ['registry.example:5000', 'http://registry.example:5000/'],
  ['registry.example:443', 'https://registry.example/'],
  ['other, registry.example', 'http://registry.example/'],
  ['other registry.example', 'http://registry.example/'],
  ['localhost', 'http://localhost:5000/'],
  ['10.1.2.3', 'http://10.1.2.3:5000/'],
  ['10.1.2.3:5000', 'http://10.1.2.3:5000/'],
  ['10.0.0.0/8', 'http://10.250.0.1:5000/'],
  ['10.0.0.0/8', 'http://0x0a.1:5000/'],
  ['192.168.4.0/22', 'https://192.168.7.255/'],
  ['0.0.0.0/0', 'https://192.0.2.1/'],
  ['fd00::/8', 'http://[fd12::1]:5000/'],
  ['::1', 'http://[::1]:5000/'],
  ['[::1]:5000', 'http://[::1]:5000/'],
  ['[0:0:0:0:0:0:0:1]', 'http://[::1]/'],
])('%s: %s goes out directly', (entries, url) => {
  expect(direct(entries, url)).toBe(true);
});

test.each([
  ['', 'https://registry.example/'],
  ['registry.example', 'https://otherregistry.example/'],
  ['registry.example', 'https://registry.example.org/'],
  ['registry.example:5000', 'https://registry.example/'],
  ['10.0.0.0/8', 'http://11.0.0.1/'],
  ['10.0.0.0/8', 'http://10.example/'],
  ['10.0.0.0/33', 'http://10.0.0.1/'],
  ['10.0.0.0/x', 'http://10.0.0.1/'],
  ['10.1.2', 'http://10.1.2.3/'],
  ['.', 'https://registry.example/'],
  ['192.168.4.0/22', 'https://192.168.8.0/'],
  ['fd00::/8', 'http://[fe80::1]/'],
  ['[::1]:5000', 'http://[::1]:5001/'],
])('%s: %s goes through the proxy', (entries, url) => {
  expect(direct(entries, url)).toBe(false);
});
