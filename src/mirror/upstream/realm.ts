import { getDomain } from 'tldts';
import { isAddress, isLocalhost, plainHostname } from './address.ts';

/**
 * Whether credentials for an upstream may go to a realm that its challenge names: the same host and port, or a
 * host of the same registrable domain (registry-1.docker.io and auth.docker.io), as distribution's realmAllowed.
 * From https they go nowhere without it.
 */
export function realmMayHaveCredentials(upstream: URL, realm: URL): boolean {
  if (upstream.protocol === 'https:' && realm.protocol !== 'https:') return false;
  if (upstream.host === realm.host) return true;
  const [ours, theirs] = [plainHostname(upstream), plainHostname(realm)];
  if ([ours, theirs].some((host) => isAddress(host) || isLocalhost(host))) return false;
  const domain = getDomain(ours, { allowPrivateDomains: true });
  return domain !== null && domain === getDomain(theirs, { allowPrivateDomains: true });
}
