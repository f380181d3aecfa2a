/**
 * Whether a repository's name matches a pattern: `*` is any part of one component, `**` any number of components
 * (at the end at least one: `team/**` is all below `team`, not `team` itself).
 */
export function matchesRepositoryPattern(pattern: string, name: string): boolean {
  return matchComponents(pattern.split('/'), name.split('/'));
}

function matchComponents(pattern: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return name.length === 0;
  if (first === '**') {
    for (let skipped = rest.length === 0 ? 1 : 0; skipped <= name.length; skipped++) {
      if (matchComponents(rest, name.slice(skipped))) return true;
    }
    return false;
  }
  const [component, ...others] = name;
  return component !== undefined && matchComponent(first, component) && matchComponents(rest, others);
}

function matchComponent(pattern: string, component: string): boolean {
  const parts = pattern.split(/\*+/);
  const [head = '', ...tail] = parts;
  if (!component.startsWith(head)) return false;
  if (tail.length === 0) return component === head;
  const last = tail.pop() ?? '';
  let at = head.length;
  for (const part of tail) {
    const found = component.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return component.length - at >= last.length && component.endsWith(last);
}
