import { readFileSync } from 'node:fs';

/** The version in `package.json`, the same for `src/` and for a build in `dist/`. */
export function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new Error('package.json says no version');
}
