import { readWhole } from './response-body.ts';
import type { HopResponse } from './transport.ts';
import type { UpstreamUrl } from './upstream-url.ts';

/** @throws UpstreamError for what broke it, or for more bytes than `limit` */
export async function readBody(
  url: UpstreamUrl,
  { response, limit, signal }: { response: HopResponse; limit: number; signal: AbortSignal | undefined },
): Promise<Buffer> {
  try {
    return await readWhole(response.body, limit);
  } catch (error) {
    throw url.bodyError(error, signal);
  }
}
