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

/**
 * As `download` for several, by one client that has so many under way at once.
 *
 * @param sizes in bytes, by URL
 */
export async function downloadAll(
  sizes: ReadonlyMap<string, number>,
  { atOnce }: { readonly atOnce: number },
): Promise<void> {
  const parallel = atOnce === 1 ? [] : ['--parallel', '--parallel-immediate', '--parallel-max', `${atOnce}`];
  const targets = [...sizes.keys()].flatMap((url) => ['-o', '/dev/null', url]);
  const { stdout } = await run('curl', [
    ...['-sSfL', '-w', '%{url} %{size_download}\n'],
    ...parallel,
    ...targets,
  ]);
  const came = new Set(stdout.split('\n'));
  // An exit code of curl may be that of its last transfer alone.
  for (const [url, size] of sizes) {
    if (!came.has(`${url} ${size}`)) throw new Error(`${url}: not ${size} bytes\n${stdout}`);
  }
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
