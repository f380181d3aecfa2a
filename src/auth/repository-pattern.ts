type Part = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'any' | 'account' };
type Component = { readonly kind: 'parts'; readonly parts: readonly Part[] } | { readonly kind: 'anything' };

/** A pattern of the access rules, ready to be matched. */
export interface RepositoryPattern {
  readonly text: string;
  readonly components: readonly Component[];
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the rules' own placeholder
const ACCOUNT = '${account}';
const ANY_COMPONENT: Component = { kind: 'parts', parts: [{ kind: 'any' }] };

/**
 * `*` is any part of one component, `**` any number of components, `${account}` the name that logged in, as
 * plain text. At the end `**` is at least one component: `alice/**` is all below `alice`, not `alice`.
 * @throws SyntaxError
 */
export function parseRepositoryPattern(text: string): RepositoryPattern {
  const components = text.split('/').map((component): Component => {
    if (component === '') throw new SyntaxError(`${JSON.stringify(text)}: a component is empty`);
    if (component === '**') return { kind: 'anything' };
    if (component.includes('**')) {
      throw new SyntaxError(`${JSON.stringify(text)}: '**' stands for whole components, between slashes`);
    }
    return { kind: 'parts', parts: component.split(/(\*|\$\{account\})/).flatMap(toPart) };
  });
  if (components.at(-1)?.kind === 'anything') components.splice(-1, 0, ANY_COMPONENT);
  return { text, components };
}

function toPart(text: string): readonly Part[] {
  if (text === '') return [];
  if (text === '*') return [{ kind: 'any' }];
  return text === ACCOUNT ? [{ kind: 'account' }] : [{ kind: 'text', text }];
}

/**
 * Time grows with the product of both lengths, whatever the name: only the last wildcard is ever tried again.
 * @param account what `${account}` stands for; undefined: it matches nothing
 */
export function matchesPattern(
  pattern: RepositoryPattern,
  { name, account }: { readonly name: string; readonly account: string | undefined },
): boolean {
  const names = name.split('/');
  return matchSequence(pattern.components, names.length, {
    isWildcard: (component) => component.kind === 'anything',
    // A component takes exactly one name.
    step: (component, at) =>
      component.kind === 'parts' && matchComponent(component.parts, names[at] ?? '', account) ? 1 : undefined,
  });
}

function matchComponent(parts: readonly Part[], text: string, account: string | undefined): boolean {
  return matchSequence(parts, text.length, {
    isWildcard: (part) => part.kind === 'any',
    step: (part, at) => {
      const literal = part.kind === 'text' ? part.text : account;
      return literal !== undefined && literal !== '' && text.startsWith(literal, at)
        ? literal.length
        : undefined;
    },
  });
}

interface Steps<Item> {
  isWildcard(item: Item): boolean;
  /** @returns how much of the input the item takes there, or undefined */
  step(item: Item, at: number): number | undefined;
}

/** Glob matching without recursion: on a mismatch the last wildcard takes one more and matching goes on behind it. */
function matchSequence<Item>(
  items: readonly Item[],
  length: number,
  { isWildcard, step }: Steps<Item>,
): boolean {
  let item = 0;
  let at = 0;
  let retry: { item: number; at: number } | undefined;
  for (;;) {
    const current = items[item];
    if (current === undefined && at === length) return true;
    if (current !== undefined && isWildcard(current)) {
      retry = { item: item + 1, at };
      item += 1;
      continue;
    }
    const taken = current === undefined || at > length ? undefined : step(current, at);
    if (taken !== undefined && at + taken <= length) {
      item += 1;
      at += taken;
    } else if (retry !== undefined && retry.at < length) {
      retry = { item: retry.item, at: retry.at + 1 };
      ({ item, at } = retry);
    } else {
      return false;
    }
  }
}
