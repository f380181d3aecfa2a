import { type DestinationStream, pino } from 'pino';

/** What may wait for a reader of standard output that does not read: further lines are dropped, never awaited. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface LogOutput extends DestinationStream {
  /** Writes out what waits, blocking: for the end of the process. */
  flushSync(): void;
}

/**
 * Lines leave through one asynchronous write at a time, so a slow reader never holds up the event loop, and what
 * comes meanwhile leaves with the next.
 */
export function openLogOutput(fd = 1): LogOutput {
  const output = pino.destination({ fd, sync: false, maxLength: MAX_WAITING_BYTES });
  // A reader that went away is no reason to stop serving.
  output.on('error', () => {});
  return output;
}
