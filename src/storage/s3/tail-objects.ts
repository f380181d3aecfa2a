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
  #names: readonly string[];
  #written = 0;

  /** @param holder of which epoch, and the tail it begins with */
  constructor(
    objects: Objects,
    folder: string,
    holder: { readonly epoch: number; readonly tail: Tail | null },
  ) {
    this.#objects = objects;
    this.#folder = folder;
    this.#epoch = holder.epoch;
    this.#names = holder.tail?.kind === 'object' ? [holder.tail.name] : [];
  }

  /** Keys of the tail that was there and of all that were written here. */
  get keys(): readonly string[] {
    return this.#names.map((name) => this.#keyOf(name));
  }

  /** As `keys`, without a tail that still counts. */
  keysBut(current: Tail | null): readonly string[] {
    if (current?.kind !== 'object') return this.keys;
    return this.keys.filter((key) => key !== this.#keyOf(current.name));
  }

  async write(content: Content): Promise<Kept & { readonly tail: Tail }> {
    const name = `data.tail.${this.#epoch}.${this.#written}`;
    this.#written += 1;
    this.#names = [...this.#names, name];
    await this.#objects.put(this.#keyOf(name), content);
    return this.read({ kind: 'object', name, bytes: content.size });
  }

  /** A tail that the state names. */
  read(tail: Tail): Kept & { readonly tail: Tail } {
    const objects = this.#objects;
    const key = tail.kind === 'object' ? this.#keyOf(tail.name) : undefined;
    return {
      tail,
      size: tail.bytes,
      key,
      async *chunks() {
        if (key !== undefined) yield* (await openReader(objects, key)).chunks();
        else if (tail.kind === 'inline') yield Buffer.from(tail.content, 'base64');
      },
    };
  }

  #keyOf(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

export function inlineTail(content: Content): Tail {
  return {
    kind: 'inline',
    content: Buffer.concat([...content.chunks()]).toString('base64'),
    bytes: content.size,
  };
}
