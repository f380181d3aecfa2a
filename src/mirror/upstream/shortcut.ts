import type { RedirectTarget } from './follow.ts';

/** Milliseconds. */
const GOOD_FOR = 60_000;

/**
 * Where a request for a part of a blob was redirected to, for the next parts of the same transfer: a registry that
 * keeps its blobs at a storage host is asked once then, and not for every range. It ends with the transfer and is
 * short-lived, so that an upstream that withdraws access, or moves the blob, is heard soon.
 *
 * A 307 is for one request, and future ones ought to begin at the original again (RFC 9110 section 15.4.8). The parts
 * of one download are no future requests: they take the place of the one that would bring it all from that address.
 * Nor is it what `no-store` on a redirect forbids, which is to give a stored answer out again (RFC 9111 section
 * 5.2.2.5). stargz-snapshotter and nydus, which read layers in parts, go straight too and ask anew when they are
 * refused; containerd and regclient ask the registry for every range.
 */
export interface Shortcut extends RedirectTarget {
  /** Bytes of the whole blob, where the answer told. */
  readonly total: number | undefined;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** @param target where the answer came from, when that may be asked without the registry */
export function shortcutTo(
  target: RedirectTarget | undefined,
  { total, now }: { readonly total: number | undefined; readonly now: number },
): Shortcut | undefined {
  return target === undefined ? undefined : { ...target, total, until: now + GOOD_FOR };
}
