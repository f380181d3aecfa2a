import { describe, test } from 'vitest';
import { missingTools, type Tool } from './tools.ts';

/**
 * A suite that runs real programs. Where one is missing it is skipped, and says which; with `CI` set it fails.
 */
export function describeWith(tools: readonly Tool[], title: string, suite: () => void): void {
  const missing = missingTools(tools);
  if (missing.length === 0) {
    describe(title, suite);
    return;
  }
  const reason = `${missing.join(', ')} missing: run .ci/install-tools${missing.includes('root') ? ' and the tests as root' : ''}`;
  if (process.env.CI === undefined) {
    describe.skip(`${title} (skipped, ${reason})`, suite);
    console.warn(`skipped: ${title}: ${reason}`);
    return;
  }
  describe(title, () => {
    test('has the programs it needs', () => {
      throw new Error(reason);
    });
  });
}
