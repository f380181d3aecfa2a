import type { Section, Setting } from './kit/setting.ts';
import { Report } from './problems.ts';
import { isTreeList, isTreeMap, type Tree } from './tree.ts';
import { parseYaml, YamlError } from './yaml.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'REGISTRY_';

/** `REGISTRY_*` variables that are no keys. */
const OTHERS = new Set(['REGISTRY_CONFIGURATION_PATH']);

/** The variable names no key. */
class UnknownVariableError extends Error {
  override readonly name = 'UnknownVariableError';
}

/** The variable names a key and cannot be put there. */
class MisplacedVariableError extends Error {
  override readonly name = 'MisplacedVariableError';
}

/**
 * Lays `REGISTRY_*` over what the file says, by distribution's rule (`configuration/parser.go`): names in order,
 * so that a longer one wins over a shorter; steps are Go's field names, keys of mappings in any case, or indexes of
 * lists, where one past the end appends; values are YAML. An unknown name changes nothing and is one warning.
 */
export function applyEnvironment(
  tree: Tree,
  options: { readonly schema: Section; readonly environment: Environment; readonly report: Report },
): Tree {
  const { schema, environment, report } = options;
  let result = tree;
  for (const name of Object.keys(environment).sort()) {
    const value = environment[name];
    if (!name.startsWith(PREFIX) || OTHERS.has(name) || value === undefined) continue;
    try {
      const steps = name.slice(PREFIX.length).split('_');
      result = overlay({ setting: schema, tree: result, steps, value: () => parseYaml(value) });
    } catch (error) {
      const at = new Report(name, report);
      if (error instanceof UnknownVariableError) at.warning('names no key of the configuration; left aside');
      else if (error instanceof MisplacedVariableError) at.problem(error.message);
      else if (error instanceof YamlError) at.problem(`is not YAML: ${error.message}`);
      else throw error;
    }
  }
  return result;
}

interface Overlay {
  readonly setting: Setting;
  readonly tree: Tree;
  readonly steps: readonly string[];
  readonly value: () => Tree;
}

function overlay({ setting, tree, steps, value }: Overlay): Tree {
  const [step, ...rest] = steps;
  if (step === undefined) return value();
  switch (setting.kind) {
    case 'section': {
      const found = Object.entries(setting.fields).find(([key, field]) => nameOf(key, field) === step);
      if (found === undefined) throw new UnknownVariableError(step);
      const [key, field] = found;
      const expanded = typeof tree === 'string' && setting.expand !== undefined ? setting.expand(tree) : tree;
      const map = isTreeMap(expanded) ? expanded : {};
      return { ...map, [key]: overlay({ setting: field, tree: map[key] ?? null, steps: rest, value }) };
    }
    case 'dictionary':
      return overlayEntry({ setting: setting.item, tree, steps, value });
    case 'free':
    case 'obsolete':
      return overlayEntry({ setting, tree, steps, value });
    case 'list': {
      const items = isTreeList(tree) ? tree : tree === null ? [] : [tree];
      if (!/^\d+$/.test(step)) throw new UnknownVariableError(step);
      const index = Number(step);
      if (index > items.length) {
        throw new MisplacedVariableError(
          `index ${index} lies past the end: the list has ${items.length} so far, so the next one is ${items.length}`,
        );
      }
      const item = overlay({ setting: setting.item, tree: items[index] ?? null, steps: rest, value });
      return items.toSpliced(index, 1, item);
    }
    case 'leaf':
      throw new UnknownVariableError(step);
    default:
      return setting satisfies never;
  }
}

function overlayEntry({ setting, tree, steps, value }: Overlay): Tree {
  const [step = '', ...rest] = steps;
  const map = isTreeMap(tree) ? tree : {};
  const key =
    Object.keys(map).find((name) => name.toUpperCase() === step.toUpperCase()) ?? step.toLowerCase();
  return { ...map, [key]: overlay({ setting, tree: map[key] ?? null, steps: rest, value }) };
}

function nameOf(key: string, setting: Setting): string {
  return 'env' in setting && setting.env !== undefined ? setting.env : key.toUpperCase();
}
