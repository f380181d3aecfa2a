/** Milliseconds of each unit of Go's `time.ParseDuration`. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const WHOLE = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PLAIN = /^\d+$/;

/**
 * Milliseconds of a Go duration: `1h30m`, `1.5s`, `0`. A plain number is nanoseconds, as distribution takes it.
 * Undefined when the text is none, or negative.
 */
export function parseDuration(text: string): number | undefined {
  if (PLAIN.test(text)) return Number(text) / 1e6;
  if (!WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(PART)) total += Number(amount) * (UNITS[unit] ?? 0);
  return total;
}

/** Whether `parseDuration` took the text for nanoseconds and it was probably meant otherwise. */
export function isPlainNanoseconds(text: string): boolean {
  return PLAIN.test(text) && Number(text) > 0 && Number(text) < 1e6;
}

/** The text that `parseDuration` reads as this many milliseconds, as a person would write it: `1h30m`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  let rest = Math.round(milliseconds * 1e6);
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms', 'us', 'ns']) {
    const size = Math.round((UNITS[unit] ?? 1) * 1e6);
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
