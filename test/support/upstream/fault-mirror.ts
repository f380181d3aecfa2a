import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Digest } from '../../../src/oci/digest.ts';
import { type RegistryServer, startRegistry } from '../registry-server.ts';

/** What a client got: of a body only its size and digest, since it may be large. */
export interface Pulled {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  readonly digest: string;
  /** Whether the answer ended as it should; else the connection broke. */
  readonly ended: boolean;
  /** The first bytes of the body. */
  readonly text: string;
}

export interface PullOptions {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Called as bytes come, with how many did so far. */
  readonly onData?: (bytes: number) => unknown;
}

/** Asks a server for one thing, over a connection of its own. */
export function pull(server: string, path: string, options: PullOptions = {}): Promise<Pulled> {
  const { method = 'GET', headers = {}, onData } = options;
  return new Promise((resolve, reject) => {
    const agent = new Agent();
    const asked = request(`${server}${path}`, { method, headers, agent }, (res) => {
      const hash = createHash('sha256');
      let bytes = 0;
      let text = '';
      const end = (ended: boolean): void => {
        agent.destroy();
        const digest = `sha256:${hash.digest('hex')}`;
        resolve({ status: res.statusCode ?? 0, headers: res.headers, bytes, digest, ended, text });
      };
      res.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        bytes += chunk.length;
        if (text.length < 2000) text += chunk.toString('latin1', 0, 2000);
        onData?.(bytes);
      });
      res.on('end', () => end(true));
      // What `error` says is what `end` was not.
      res.on('error', () => end(false));
    });
    asked.on('error', reject);
    asked.end();
  });
}

export interface FaultUpstream {
  readonly name: string;
  readonly urls: readonly string[];
  readonly [option: string]: unknown;
}

export interface FaultMirrorOptions {
  readonly directory: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly upstreams: readonly FaultUpstream[];
  /** Keys of `mirror` beside upstreams and times. */
  readonly mirror?: Readonly<Record<string, unknown>>;
  /** Beside the mirror. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
}

/** This product as a process, with a mirror whose times are short. */
export function startFaultMirror(options: FaultMirrorOptions): Promise<RegistryServer> {
  const { directory, upstreams, mirror = {}, config = {}, env = {} } = options;
  const timeouts = { connect: '1s', firstbyte: '1s', tagcheck: '1s', stall: '1s', fill: '3s' };
  return startRegistry({
    kind: 'fairlead',
    directory,
    ...(options.port === undefined ? {} : { port: options.port }),
    config: { mirror: { upstreams, timeouts, ...mirror }, ...config },
    env,
  });
}

/** @returns a check that nothing under a digest is anything else, and that nothing is there that should not be */
export function storageCheck(root: string): (absent?: readonly Digest[]) => Promise<void> {
  const right = new Set<string>();
  const blobs = join(root, 'docker/registry/v2/blobs/sha256');
  return async (absent = []) => {
    const names = existsSync(blobs) ? await readdir(blobs, { recursive: true }) : [];
    const kept = names.filter((name) => name.endsWith('/data')).map((name) => name.split('/')[1] ?? '');
    for (const digest of absent) expect(kept).not.toContain(digest.slice('sha256:'.length));
    for (const hex of kept.filter((name) => !right.has(name))) {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(join(blobs, hex.slice(0, 2), hex, 'data')))
        hash.update(chunk);
      expect(hash.digest('hex')).toBe(hex);
      right.add(hex);
    }
  };
}
