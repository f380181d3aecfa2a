import type { RegistryServer } from '../test/support/registry-server.ts';
import type { Scratch } from '../test/support/scratch.ts';

/** What a measurement has at hand. */
export interface Measuring {
  readonly server: RegistryServer;
  readonly scratch: Scratch;
  /** Counts the rounds, so that what is pushed is new each time. */
  readonly round: number;
  /** Seconds that a measurement by rate takes. */
  readonly seconds: number;
}

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly unit: '/s' | 'MB/s' | 'ms' | 'MiB' | 's';
  readonly better: 'more' | 'less';
  /** Once for each server, before the first round. */
  prepare?(measuring: Omit<Measuring, 'round' | 'seconds'>): Promise<void>;
  measure(measuring: Measuring): Promise<number>;
  /** What the machine or the line gives without a registry; not a contender. */
  readonly references?: readonly Reference[];
}

export interface Reference {
  readonly name: string;
  /** `server` is this one. */
  measure(measuring: Measuring): Promise<number>;
}
