import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { withoutSecrets } from './error-description.ts';

/** One thing to look at again and again. */
export interface HealthCheck {
  /** As `/debug/health` names it. */
  readonly name: string;
  /** Milliseconds between two looks. */
  readonly interval?: number;
  /** Failures in a row before it counts as failed. */
  readonly threshold?: number;
  /** Fulfilled when well. */
  run(signal: AbortSignal): Promise<void>;
}

interface Pace {
  readonly interval?: number;
  readonly threshold?: number;
}

/** Milliseconds for one look where nothing is said. */
const DEFAULT_TIMEOUT = 10_000;

export function messageOf(error: unknown): string {
  return withoutSecrets(error instanceof Error ? error.message : String(error));
}

/** distribution's `health.file`: fails while the file exists. */
export function fileCheck(file: string, pace: Pace = {}): HealthCheck {
  return {
    ...pace,
    name: file,
    async run() {
      try {
        await stat(file);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
        throw error;
      }
      throw new Error('file exists');
    },
  };
}

export interface HttpCheckOptions extends Pace {
  /** The status that means well; 200 unless told. */
  readonly status?: number;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

/** distribution's `health.http`: a HEAD request. */
export function httpCheck(uri: string, options: HttpCheckOptions = {}): HealthCheck {
  const { status = 200, timeout, headers = {}, ...pace } = options;
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  return {
    ...pace,
    name: withoutSecrets(uri),
    async run(signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout || DEFAULT_TIMEOUT)]);
      const response = await fetch(uri, {
        method: 'HEAD',
        headers: pairs.map(([name, value]) => [name, value]),
        signal: limit,
      });
      if (response.status !== status) throw new Error(`unexpected status: ${response.status}`);
    },
  };
}

export interface TcpCheckOptions extends Pace {
  /** Milliseconds. */
  readonly timeout?: number;
}

/** distribution's `health.tcp`: a connection. */
export function tcpCheck(
  target: { readonly host: string; readonly port: number },
  options: TcpCheckOptions = {},
): HealthCheck {
  const { timeout, ...pace } = options;
  return {
    ...pace,
    name: `${target.host}:${target.port}`,
    async run(signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout || DEFAULT_TIMEOUT)]);
      const socket = connect(target);
      try {
        await once(socket, 'connect', { signal: limit });
      } finally {
        socket.destroy();
      }
    },
  };
}
