import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Setting } from '../../../src/config/kit/setting.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { schema } from '../../../src/config/schema/schema.ts';
import { isTreeList, isTreeMap, type Tree } from '../../../src/config/tree.ts';
import { parseYaml } from '../../../src/config/yaml.ts';
import { renderDefaultConfig, withExamples } from '../../support/default-config.ts';

const file = new URL('../../../config/default.yml', import.meta.url);
const text = readFileSync(file, 'utf8');

/** Every key of a setting, joined by dots, that a file can say. */
function keysOf(setting: Setting, path: string): string[] {
  if (setting.kind === 'section' && setting.aliasOf === undefined) {
    return [
      path,
      ...Object.entries(setting.fields).flatMap(([key, field]) =>
        keysOf(field, path === '' ? key : `${path}.${key}`),
      ),
    ];
  }
  if (setting.kind === 'list' && setting.item.kind === 'section')
    return [path, ...keysOf(setting.item, path)];
  return setting.kind === 'obsolete' ? [] : [path];
}

function keysIn(tree: Tree, path = ''): string[] {
  if (isTreeList(tree)) return tree.flatMap((item) => keysIn(item, path));
  if (!isTreeMap(tree)) return [path];
  return [
    path,
    ...Object.entries(tree).flatMap(([key, value]) => keysIn(value, path === '' ? key : `${path}.${key}`)),
  ];
}

describe('config/default.yml', () => {
  it('says what the settings say (vitest -u writes it anew)', async () => {
    await expect(renderDefaultConfig(schema.fields)).toMatchFileSnapshot(file.pathname);
  });

  it('means what an empty file means', () => {
    const { config, warnings } = parseConfig(parseYaml(text), { environment: {} });
    expect(config).toEqual(parseConfig(null, { environment: {} }).config);
    expect(warnings).toEqual([]);
  });

  it('leaves out no key', () => {
    const there = new Set(keysIn(parseYaml(withExamples(text))));
    expect(keysOf(schema, '').filter((key) => !there.has(key))).toEqual([]);
  });

  it('explains every key in the same line', () => {
    const bare = text
      .split('\n')
      .filter((line) => /^[ #]*[a-z0-9]+:(?: |$)/.test(line) && !line.includes(' # '));
    expect(bare).toEqual([]);
  });
});
