import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is true. @throws when it is not within `milliseconds` */
export async function eventually(
  what: string,
  { within, holds }: { readonly within: number; readonly holds: () => Promise<boolean> | boolean },
): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await delay(20);
  }
}
