const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How deep arrays and objects may lie in each other: far above any manifest, far below what costs. */
export const MAX_JSON_DEPTH = 256;

/**
 * RFC 8259, and what RFC 7493 (I-JSON) adds to it: UTF-8 without a byte order mark, and no name twice in an
 * object. Parsers differ in which one of two they believe, so a document with both means two things.
 * @throws SyntaxError with a message for a person
 */
export function parseStrictJson(content: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(content);
  } catch (error) {
    throw new SyntaxError('it is not UTF-8', { cause: error });
  }
  const value: unknown = JSON.parse(text);
  refuseDuplicateNames(text);
  return value;
}

/** Walks over a text that JSON.parse has taken, so only structure matters here. */
function refuseDuplicateNames(text: string): void {
  /** One entry a level: the names seen in an object, undefined in an array. */
  const levels: (Set<string> | undefined)[] = [];
  let nameNext = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        levels.push(new Set());
        nameNext = true;
        break;
      case 0x5b: // [
        levels.push(undefined);
        nameNext = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        levels.pop();
        nameNext = false;
        break;
      case 0x2c: // ,
        nameNext = levels.at(-1) !== undefined;
        break;
      case 0x22: {
        const end = stringEnd(text, at);
        if (nameNext) {
          addName(levels.at(-1), text.slice(at, end + 1));
          nameNext = false;
        }
        at = end;
        break;
      }
      default:
        break;
    }
    if (levels.length > MAX_JSON_DEPTH)
      throw new SyntaxError(`it nests deeper than ${MAX_JSON_DEPTH} levels`);
  }
}

function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

function addName(names: Set<string> | undefined, literal: string): void {
  if (names === undefined) return;
  const name = literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
  if (names.has(name))
    throw new SyntaxError(`the name ${JSON.stringify(name.slice(0, 80))} stands twice in one object`);
  names.add(name);
}
