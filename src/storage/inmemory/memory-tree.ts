import type { FolderEntry, FolderPage, Key, ListOptions } from '../driver.ts';
import { pageOf } from '../folder-page.ts';

export interface MemoryObject {
  readonly content: Uint8Array;
  readonly modifiedAt: Date;
}

/** An upload that was begun: `holder` is the writer that may append, if there is one. */
export interface MemoryUpload {
  readonly chunks: Uint8Array[];
  size: number;
  holder: object | undefined;
}

interface Node {
  readonly children: Map<string, Node>;
  /** What is listed of `children`; made when asked for, dropped when a name comes or goes. */
  entries: readonly FolderEntry[] | undefined;
  object: MemoryObject | undefined;
  upload: MemoryUpload | undefined;
}

/** What drivers in memory keep. Two drivers over one of these see the same objects, as two processes would. */
export class MemoryTree {
  readonly #root: Node = newNode();

  object(key: Key): MemoryObject | undefined {
    return this.#find(key)?.object;
  }

  putObject(key: Key, object: MemoryObject): void {
    this.#make(key).object = object;
  }

  deleteObject(key: Key): void {
    const node = this.#find(key);
    if (node === undefined) return;
    node.object = undefined;
    this.#prune(key.split('/'));
  }

  upload(folder: Key): MemoryUpload | undefined {
    return this.#find(folder)?.upload;
  }

  putUpload(folder: Key, upload: MemoryUpload): void {
    this.#make(folder).upload = upload;
  }

  deleteFolder(folder: Key): void {
    const node = this.#find(folder);
    if (node === undefined) return;
    node.children.clear();
    node.entries = undefined;
    node.upload = undefined;
    this.#prune(folder.split('/'));
  }

  list(folder: Key, options: ListOptions): FolderPage {
    const node = this.#find(folder);
    if (node === undefined) return { entries: [], more: false };
    node.entries ??= [...node.children]
      .map(([name, child]): FolderEntry => ({ name, kind: isFolder(child) ? 'folder' : 'object' }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return pageOf(node.entries, options);
  }

  #find(key: Key): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const segment of key.split('/')) node = node?.children.get(segment);
    return node;
  }

  #make(key: Key): Node {
    let node = this.#root;
    for (const segment of key.split('/')) {
      node.entries = undefined;
      let child = node.children.get(segment);
      if (child === undefined) {
        child = newNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    return node;
  }

  /** Takes away the node at a path, and those above it, as long as they hold nothing. */
  #prune(path: readonly string[]): void {
    const parent = path.length === 1 ? this.#root : this.#find(path.slice(0, -1).join('/'));
    const name = path.at(-1);
    if (parent === undefined || name === undefined) return;
    parent.entries = undefined;
    const node = parent.children.get(name);
    if (node === undefined || isFolder(node) || node.object !== undefined) return;
    parent.children.delete(name);
    if (path.length > 1) this.#prune(path.slice(0, -1));
  }
}

function newNode(): Node {
  return { children: new Map(), entries: undefined, object: undefined, upload: undefined };
}

function isFolder(node: Node): boolean {
  return node.children.size > 0 || node.upload !== undefined;
}
