import type { Key, ReadOptions, StorageDriver } from './driver.ts';

/**
 * A small object, whole.
 * @throws RangeError when it is larger than `limit` bytes, or not as long as the driver said; and whatever the
 * driver throws
 */
export async function readContent(
  driver: StorageDriver,
  key: Key,
  options: ReadOptions & { readonly limit: number },
): Promise<Buffer> {
  const reader = await driver.read(key, options);
  if (reader.size > options.limit) {
    await reader.close();
    throw new RangeError(`${key} has ${reader.size} bytes, more than ${options.limit}`);
  }
  const content = Buffer.allocUnsafe(reader.size);
  let at = 0;
  for await (const chunk of reader.chunks()) {
    content.set(chunk, at);
    at += chunk.length;
  }
  if (at !== reader.size) throw new RangeError(`${key} has ${at} bytes, not ${reader.size}`);
  return content;
}
