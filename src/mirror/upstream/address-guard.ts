import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isAddress, isLocalhost, isPrivateAddress } from './address.ts';

/** A connection to an address of a private network was refused. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly code = 'EPRIVATEADDRESS';

  constructor(hostname: string) {
    super(`${hostname} is, or resolves to, a private address`);
  }
}

/** @throws PrivateAddressError for an address, or `localhost`, that is private as it is written */
export function refusePrivateLiteral(hostname: string): void {
  if (isLocalhost(hostname) || (isAddress(hostname) && isPrivateAddress(hostname))) {
    throw new PrivateAddressError(hostname);
  }
}

/**
 * A `lookup` for sockets that fails when a name resolves to any private address. It is the look-up of the
 * connection itself, so that a name cannot resolve to one address when it is checked and to another when used.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  const settings: LookupOptions = { ...options, all: true };
  dnsLookup(hostname, settings, (error, found) => {
    const addresses: LookupAddress[] = typeof found === 'string' ? [] : (found ?? []);
    const [first] = addresses;
    if (error !== null) return callback(error, '', 0);
    if (first === undefined || addresses.some(({ address }) => isPrivateAddress(address))) {
      return callback(new PrivateAddressError(hostname), '', 0);
    }
    if (options.all === true) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

/**
 * For what goes through a proxy, which looks the name up for itself: refuses a name that resolves to a private
 * address here. A name that does not resolve here is the proxy's to judge.
 * @throws PrivateAddressError
 */
export async function refusePrivateName(hostname: string): Promise<void> {
  const found = await lookup(hostname, { all: true }).catch((): LookupAddress[] => []);
  if (found.some(({ address }) => isPrivateAddress(address))) throw new PrivateAddressError(hostname);
}
