import { closeSynced, openFile, syncAll } from './descriptor.ts';

/** Brings a folder's names to disk. @throws errors of the operating system */
export async function syncFolder(path: string): Promise<void> {
  const fd = await openFile(path, 'r');
  try {
    await syncAll(fd);
  } finally {
    closeSynced(fd);
  }
}
