import { UpstreamClient } from './upstream/upstream-client.ts';
import type { UpstreamClientOptions } from './upstream/upstream-options.ts';
import type { Finding } from './upstream/url-probe.ts';

/** How one URL of an upstream was found. */
export interface ProbeResult extends Finding {
  readonly upstream: string;
  /** Host and port. */
  readonly where: string;
}

/** Asks every URL of an upstream, all at once. */
export async function probeUpstream(options: UpstreamClientOptions): Promise<ProbeResult[]> {
  const client = new UpstreamClient(options);
  try {
    return await Promise.all(
      client.urls.map(async (url, index): Promise<ProbeResult> => {
        const where = hostAndPort(options.urls[index] ?? '');
        return { upstream: options.name, where, ...(await url.probe()) };
      }),
    );
  } finally {
    await client.close();
  }
}

function hostAndPort(text: string): string {
  const url = new URL(text);
  return url.port === '' ? `${url.hostname}:${url.protocol === 'https:' ? 443 : 80}` : url.host;
}
