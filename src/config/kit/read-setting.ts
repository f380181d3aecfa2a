import { Report } from '../problems.ts';
import { describeTree, isTreeList, isTreeMap, type Tree, type TreeMap } from '../tree.ts';
import { nearest } from './nearest.ts';
import type { Fields, Leaf, List, Section, Setting, ValueOf } from './setting.ts';

/**
 * What a tree says by a table of settings, with all defaults. Everything that does not fit is reported, and the
 * result is then of no use; nothing is thrown.
 */
export function readSetting<S extends Setting>(
  setting: S,
  tree: Tree | undefined,
  report: Report,
): ValueOf<S> {
  // The one place where the tables' types and their readers meet: each branch gives what ValueOf says of its kind.
  return read(setting, tree, report) as ValueOf<S>;
}

function read(setting: Setting, tree: Tree | undefined, report: Report): unknown {
  switch (setting.kind) {
    case 'leaf':
      return readLeaf(setting, tree, report);
    case 'section':
      return readSection(setting, tree, report);
    case 'list':
      return readList(setting, tree, report);
    case 'dictionary':
      return Object.freeze(
        Object.fromEntries(
          Object.entries(asMap(tree, report)).map(([key, value]) => [
            key,
            read(setting.item, value, report.at(key)),
          ]),
        ),
      );
    case 'free':
      return tree;
    case 'obsolete':
      if (tree !== undefined) report.warning(`has no meaning any more and is left aside: ${setting.doc}`);
      return undefined;
    default:
      return setting satisfies never;
  }
}

/** What does not fit is reported, and the default taken for it, so that further checks find what they expect. */
function readLeaf(leaf: Leaf<unknown>, tree: Tree | undefined, report: Report): unknown {
  // As in Go, where nothing and the empty text are one: templates write `username: ""`.
  const given = tree === null || tree === undefined || tree === '' ? leaf.initial : tree;
  if (typeof given === 'string') {
    const value = leaf.read(given, report);
    if (value !== undefined) return value;
  } else if (given !== undefined) {
    report.problem(`expected a single value, found ${describeTree(given)}`);
  } else if (leaf.required) {
    report.problem('must be given');
  }
  return leaf.initial === undefined ? undefined : leaf.read(leaf.initial, new Report());
}

function readSection(section: Section, tree: Tree | undefined, report: Report): unknown {
  if (tree === undefined && section.optional) return undefined;
  const expanded = typeof tree === 'string' && section.expand !== undefined ? section.expand(tree) : tree;
  const given = asMap(expanded, report);
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(section.fields, key)) reportUnknown(key, section.fields, report);
  }
  return Object.freeze(
    Object.fromEntries(
      Object.entries(section.fields).map(([key, field]) => [
        key,
        read(field, Object.hasOwn(given, key) ? given[key] : undefined, report.at(key)),
      ]),
    ),
  );
}

function reportUnknown(key: string, fields: Fields, report: Report): void {
  const meant = nearest(
    key,
    Object.keys(fields).filter((name) => fields[name]?.kind !== 'obsolete'),
  );
  report
    .at(key)
    .problem(`unknown key${meant === undefined ? '' : `; did you mean ${report.at(meant).path}?`}`);
}

function readList(list: List<Setting>, tree: Tree | undefined, report: Report): unknown {
  if (tree === undefined && list.optional) return undefined;
  const given = asList(list, tree, report);
  const items = given.map((item, index) => {
    if (item !== null) return read(list.item, item, report.at(index));
    report.at(index).problem('expected a value, found nothing');
    return undefined;
  });
  // What could not be read was reported: what checks the list further need not know of it.
  return Object.freeze(items.filter((item) => item !== undefined));
}

function asList(list: List<Setting>, tree: Tree | undefined, report: Report): readonly Tree[] {
  if (tree === undefined || tree === null) return list.initial;
  if (isTreeList(tree)) return tree.length === 0 && list.emptyIsInitial ? list.initial : tree;
  if (list.single) return [tree];
  report.problem(`expected a list, found ${describeTree(tree)}`);
  return [];
}

function asMap(tree: Tree | undefined, report: Report): TreeMap {
  if (tree === undefined || tree === null) return {};
  if (isTreeMap(tree)) return tree;
  report.problem(`expected a mapping, found ${describeTree(tree)}`);
  return {};
}
