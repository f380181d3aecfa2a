import type { ObjectStat } from '../driver.ts';
import { ExpectedFailure } from './caller.ts';
import type { Objects } from './objects.ts';

/**
 * Size and age of an object. HEAD answers 404 without a word when the bucket is gone; GET says which of the two is
 * missing.
 * @throws KeyNotFoundError
 */
export async function statObject(objects: Objects, key: string, signal?: AbortSignal): Promise<ObjectStat> {
  try {
    const { size, modifiedAt, body } = await objects.get(key, { range: { start: 0, end: 0 }, signal });
    body.resume();
    return { size, modifiedAt };
  } catch (error) {
    if (!(error instanceof ExpectedFailure)) throw error;
  }
  // It is empty.
  const { size, modifiedAt, body } = await objects.get(key, { signal });
  body.destroy();
  return { size, modifiedAt };
}
