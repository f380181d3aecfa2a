import { type DestinationStream, pino } from 'pino';

/** What may wait for a reader of standard output that does not read: further lines are dropped, never awaited. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Milliseconds in which lines are gathered before they leave together: a write for each would cost more than it. */
const GATHER = 20;

/** Characters gathered that leave at once. */
const ENOUGH = 64 * 1024;

export interface LogOutput extends DestinationStream {
  /** Writes out what waits, blocking: for the end of the process, whatever ends it. */
  flushSync(): void;
}

/** Lines leave asynchronously, so a slow reader never holds up the event loop. */
export function openLogOutput(fd = 1): LogOutput {
  const output = pino.destination({ fd, sync: false, maxLength: MAX_WAITING_BYTES });
  // A reader that went away is no reason to stop serving.
  output.on('error', () => {});
  let gathered = '';
  const pass = () => {
    if (gathered === '') return;
    output.write(gathered);
    gathered = '';
  };
  return {
    write(line) {
      if (gathered === '') setTimeout(pass, GATHER).unref();
      gathered += line;
      if (gathered.length > ENOUGH) pass();
    },
    flushSync() {
      pass();
      output.flushSync();
    },
  };
}
