/** What a YAML text says before anybody knows what it means: every plain or quoted scalar is its text. */
export type Tree = null | string | readonly Tree[] | TreeMap;

export interface TreeMap {
  readonly [key: string]: Tree;
}

export function isTreeMap(tree: Tree | undefined): tree is TreeMap {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

export function isTreeList(tree: Tree | undefined): tree is readonly Tree[] {
  return Array.isArray(tree);
}

/** What a person is told they wrote. */
export function describeTree(tree: Tree): string {
  if (tree === null) return 'nothing';
  if (isTreeList(tree)) return 'a list';
  return isTreeMap(tree) ? 'a mapping' : JSON.stringify(tree);
}
