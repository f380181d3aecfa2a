import { expect, it } from 'vitest';
import { isPrivateAddress } from '../../../src/mirror/upstream/address.ts';

it.each([
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:169.254.169.254',
  '::ffff:a00:1',
  '::ffff:0:a00:1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '2001:0:7f00:1::',
  '2002:a9fe:a9fe::1',
  'fd00:ec2::254',
  'fe80::1%eth0',
  'fec0::1',
])('%s is no address of the public Internet', (address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

it.each([
  '8.8.8.8',
  '192.0.1.1',
  '168.63.129.17',
  '2606:4700::1',
  '2001:4860:4860::8888',
  '64:ff9b::808:808',
])('%s is one of the public Internet', (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});
