/** Stands in a pattern for the name that logged in. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the file says
export const ACCOUNT = '${account}';

const COMPONENT = /^(?:\*\*|(?:[a-z0-9._-]|\*(?!\*)|\$\{account\})+)$/;
const COMPONENT_WITHOUT_ACCOUNT = /^(?:\*\*|(?:[a-z0-9._-]|\*(?!\*))+)$/;

/**
 * What is wrong with a pattern of repository names, or undefined: components of lower-case text, `*` (any part of
 * one component) and, where there is an account to fill in, `${account}`; `**` alone is any number of components.
 */
export function patternProblem(pattern: string, { account }: { account: boolean }): string | undefined {
  const form = account ? COMPONENT : COMPONENT_WITHOUT_ACCOUNT;
  const wrong = pattern.split('/').find((component) => !form.test(component));
  if (wrong === undefined) return undefined;
  if (wrong === '') return 'a pattern has no empty component: no // and no / at either end';
  if (wrong.includes('**')) return `${JSON.stringify(wrong)}: ** stands alone between slashes`;
  if (/[A-Z]/.test(wrong.replace(ACCOUNT, ''))) {
    return `${JSON.stringify(wrong)}: repository names are lower-case`;
  }
  const parts = account ? `*, ** and ${ACCOUNT}` : '* and **';
  return `${JSON.stringify(wrong)}: a pattern is made of a-z, 0-9, '.', '_', '-', ${parts}`;
}
