/** One entry of a tar archive: a file with content, or a symbolic link. */
export interface TarEntry {
  readonly name: string;
  readonly content?: Uint8Array;
  readonly linkTo?: string;
  readonly mode?: number;
}

const block = 512;

/** A POSIX ustar archive, the same bytes for the same entries. Names have at most 100 bytes. */
export function makeTar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? []);
    return [header(entry, content.length), content, Buffer.alloc((block - (content.length % block)) % block)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(entry: TarEntry, size: number): Buffer {
  const head = Buffer.alloc(block);
  head.write(entry.name, 0, 100);
  head.write(octal(entry.mode ?? 0o755, 7), 100);
  head.write(octal(0, 7), 108);
  head.write(octal(0, 7), 116);
  head.write(octal(size, 11), 124);
  head.write(octal(0, 11), 136);
  head.write('        ', 148);
  head.write(entry.linkTo === undefined ? '0' : '2', 156);
  head.write(entry.linkTo ?? '', 157, 100);
  head.write('ustar\x0000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${octal(sum, 6)} `, 148);
  return head;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width, '0')}\0`;
}
