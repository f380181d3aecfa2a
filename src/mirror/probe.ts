import { UpstreamClient } from './upstream/upstream-client.ts';
import { UpstreamError, UpstreamRefused } from './upstream/upstream-errors.ts';
import type { UpstreamClientOptions } from './upstream/upstream-options.ts';

/** How one URL of an upstream was found. */
export interface ProbeResult {
  readonly upstream: string;
  /** Host and port. */
  readonly where: string;
  readonly ok: boolean;
  /** For a person; holds no secret. */
  readonly told: string;
}

/** Asks every URL of an upstream, all at once. */
export async function probeUpstream(options: UpstreamClientOptions): Promise<ProbeResult[]> {
  const client = new UpstreamClient(options);
  try {
    return await Promise.all(
      client.urls.map(async (url, index): Promise<ProbeResult> => {
        const at = { upstream: options.name, where: hostAndPort(options.urls[index] ?? '') };
        try {
          await url.probe();
          return { ...at, ok: true, told: 'answers' };
        } catch (error) {
          if (!(error instanceof UpstreamError)) throw error;
          const why = error.message.slice(error.where.length + 2);
          if (error instanceof UpstreamRefused) return { ...at, ok: false, told: `answers, but ${why}` };
          return { ...at, ok: false, told: `does not answer: ${why}` };
        }
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
