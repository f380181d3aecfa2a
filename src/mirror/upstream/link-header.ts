/** Characters that are looked at: more than the longest of tags needs, and little for what searches it. */
const LONGEST = 4096;

/** The target of `rel="next"` in a `Link` header, RFC 8288. */
export function nextLink(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === 'string' ? header : header?.join(', ');
  for (const match of (text ?? '')
    .slice(0, LONGEST)
    .matchAll(/<([^>]*)>((?:\s*;\s*[^,;"]+(?:"[^"]*")?)*)/g)) {
    if (/;\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?/i.test(match[2] ?? '')) return match[1];
  }
  return undefined;
}
