import { deleteKeys } from './folder-delete.ts';
import type { UploadContext } from './upload-context.ts';

/**
 * Deletes what an upload left: first what makes it an upload, so that it has ended when this resolves, then its
 * data. What stays behind of that is litter below `_uploads`.
 */
export async function deleteUpload(context: UploadContext, keys: readonly string[]): Promise<void> {
  const isData = (key: string): boolean => /\/data\.[^/]*$/.test(key);
  await deleteKeys(
    context.objects,
    keys.filter((key) => !isData(key)),
  );
  await deleteKeys(context.objects, keys.filter(isData)).catch(() => {});
}
