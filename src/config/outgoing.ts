import type { Environment } from './environment.ts';
import type { Report } from './problems.ts';
import { Secret } from './secret.ts';
import type { OutgoingConfig } from './types/mirror.ts';

/** Reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY in any case; capitals count first, as in Go. */
export function readOutgoing(environment: Environment, report: Report): OutgoingConfig {
  const read = (name: string): string | undefined => {
    const names = Object.keys(environment).filter((other) => other.toUpperCase() === name);
    // Capitals sort first.
    return names.sort().map((other) => environment[other])[0];
  };
  return {
    httpsProxy: proxyUrl(read('HTTPS_PROXY'), report.at('HTTPS_PROXY')),
    httpProxy: proxyUrl(read('HTTP_PROXY'), report.at('HTTP_PROXY')),
    noProxy: (read('NO_PROXY') ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  };
}

/** The value is never told: it may hold a password. */
function proxyUrl(value: string | undefined, report: Report): Secret | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return new Secret(url.href);
  report.problem('must be the URL of a proxy, with http:// or https://');
  return undefined;
}
