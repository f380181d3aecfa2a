/** Values that need no quotes to be read back. */
const PLAIN = /^[\w.:/@,+%?&=[\]{}()*~#-]+$/;

function fieldText(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The frames alone: the message before them may hold what a client sent, newlines too. */
function frames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^ +at /.test(line))
    .map((line) => `${line}\n`)
    .join('');
}

/** `{"time":…,"level":…,"msg":…,"a":1}` as `2026-01-31T12:00:00.000Z info    message a=1`; a stack follows on lines of its own. */
export function textLine(json: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(json);
  let line = `${time} ${String(level).padEnd(7)} ${msg}`;
  for (const [name, value] of Object.entries(fields)) line += ` ${name}=${fieldText(value)}`;
  if (!isRecord(err)) return `${line}\n`;
  const { stack, ...rest } = err;
  return `${line} err=${fieldText(rest)}\n${typeof stack === 'string' ? frames(stack) : ''}`;
}
