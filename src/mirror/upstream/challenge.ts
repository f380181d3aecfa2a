/** One challenge of a `WWW-Authenticate` header, RFC 9110 section 11.6.1. */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/** Reads every challenge of one or several headers; what cannot be understood ends the reading of that header. */
export function parseChallenges(header: string | readonly string[] | undefined): Challenge[] {
  const headers = header === undefined ? [] : typeof header === 'string' ? [header] : header;
  return headers.flatMap((text) => parseOne(text.slice(0, 16_384)));
}

function parseOne(text: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const skip = (characters: string): void => {
    while (at < text.length && characters.includes(text[at] ?? '')) at++;
  };
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    skip(' \t,');
    const word = take(TOKEN)?.[0];
    if (word === undefined) break;
    skip(' \t');
    if (text[at] !== '=') {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    at++;
    skip(' \t');
    const quoted = take(QUOTED)?.[1];
    const value = quoted === undefined ? take(TOKEN)?.[0] : quoted.replace(/\\(.)/g, '$1');
    if (value === undefined) break;
    challenges.at(-1)?.parameters.set(word.toLowerCase(), value);
  }
  return challenges;
}
