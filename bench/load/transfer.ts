import { run } from '../../test/support/run.ts';

export const MIB = 1024 * 1024;

/** Seconds for `work`. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Reads a URL, or what it leads to, to nowhere. @throws Error unless exactly `size` bytes came */
export async function download(url: string, size: number): Promise<void> {
  const { stdout } = await run('curl', ['-sSfL', '-o', '/dev/null', '-w', '%{size_download}', url]);
  if (Number(stdout) !== size) throw new Error(`${url}: ${stdout} bytes, not ${size}`);
}

/** POST, PATCH and PUT, as docker push does. */
export async function pushFile(
  base: string,
  file: { readonly path: string; readonly digest: string },
): Promise<void> {
  const session = await location('POST', `${base}/blobs/uploads/`, []);
  const patched = await location('PATCH', session, [
    ...['-T', file.path, '-H', 'Content-Type: application/octet-stream', '-H', 'Expect:'],
  ]);
  const digest = `${patched.includes('?') ? '&' : '?'}digest=${encodeURIComponent(file.digest)}`;
  await location('PUT', patched + digest, ['-H', 'Content-Length: 0']);
}

async function location(method: string, url: string, options: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', [
    ...['-sSf', '-X', method, '-o', '/dev/null', '-w', '%header{location}'],
    ...options,
    url,
  ]);
  return new URL(stdout, url).href;
}
