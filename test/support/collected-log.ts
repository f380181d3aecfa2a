import type { LogLine } from './test-registry.ts';

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** A log that is kept. */
export interface CollectedLog {
  readonly lines: readonly LogLine[];
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export function collectLog(): CollectedLog {
  const lines: LogLine[] = [];
  const at =
    (level: string): Write =>
    (fields, message) => {
      lines.push({ level, fields, message });
    };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
