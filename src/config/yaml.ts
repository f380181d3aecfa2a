import { parseDocument, type ScalarTag, stringify } from 'yaml';
import type { Tree } from './tree.ts';

/** The text is not YAML. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

const nothing: ScalarTag = {
  tag: 'tag:yaml.org,2002:null',
  default: true,
  test: /^(?:~|null|Null|NULL)?$/,
  resolve: () => null,
};

/**
 * Reads YAML without guessing at types: what a scalar means is for the setting to say that it belongs to, so that
 * `password: 0123` keeps its zero and `version: 0.1` its point. Anchors and merge keys work.
 * @throws YamlError with line and column, and nothing of the text, which may hold secrets
 */
export function parseYaml(text: string): Tree {
  const document = parseDocument(text, {
    schema: 'failsafe',
    customTags: (tags) => [...tags, nothing, 'merge'],
    prettyErrors: false,
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const lines = text.slice(0, error.pos[0]).split('\n');
    throw new YamlError(`line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${error.message}`);
  }
  try {
    // The failsafe schema and the tags above give nothing else.
    return (document.toJS({ maxAliasCount: 1000 }) ?? null) as Tree;
  } catch (error) {
    if (error instanceof ReferenceError) throw new YamlError(error.message, { cause: error });
    throw error;
  }
}

export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
