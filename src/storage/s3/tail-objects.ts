import { openReader } from './object-reader.ts';
import type { Content, Objects } from './objects.ts';
import type { Kept } from './part-assembler.ts';
import type { Tail } from './session-state.ts';

/** Up to here a tail is kept in the state itself: one object less to write, to read and to delete. */
export const INLINE_TAIL = 64 * 1024;

/** Bytes of no full part, as objects in the folder of their upload, under names of one holder. */
export class TailObjects {
  readonly #objects: Objects;
  readonly #folder: string;
  readonly #epoch: number;
  #written: string[] = [];

  constructor(objects: Objects, folder: string, epoch: number) {
    this.#objects = objects;
    this.#folder = folder;
    this.#epoch = epoch;
  }

  /** Keys of all that were written here. */
  get keys(): readonly string[] {
    return this.#written.map((name) => `${this.#folder}/${name}`);
  }

  async write(content: Content): Promise<Kept & { readonly tail: Tail }> {
    const name = `data.tail.${this.#epoch}.${this.#written.length}`;
    this.#written = [...this.#written, name];
    await this.#objects.put(`${this.#folder}/${name}`, content);
    return this.read({ kind: 'object', name, bytes: content.size });
  }

  /** A tail that the state names. */
  read(tail: Tail): Kept & { readonly tail: Tail } {
    const objects = this.#objects;
    const folder = this.#folder;
    return {
      tail,
      size: tail.bytes,
      async *chunks() {
        if (tail.kind === 'inline') yield Buffer.from(tail.content, 'base64');
        else yield* (await openReader(objects, `${folder}/${tail.name}`)).chunks();
      },
    };
  }
}

export function inlineTail(content: Content): Tail {
  return {
    kind: 'inline',
    content: Buffer.concat([...content.chunks()]).toString('base64'),
    bytes: content.size,
  };
}
