import type { UnfinishedWrites } from '../capabilities.ts';
import type { Multiparts } from './multiparts.ts';

/** Where our writers and distribution's begin multipart uploads. */
const TREE = 'docker/registry/v2/';

/**
 * Finds multipart uploads whose session is gone. minio names none for a prefix that is not the very key: there only
 * those of a session that is still there are found, and the server throws old ones away by itself.
 */
export function createUnfinishedWrites(multiparts: Multiparts): UnfinishedWrites {
  return {
    async abandon({ prefix = TREE, before, dryRun, signal }) {
      const abandoned: string[] = [];
      for await (const upload of multiparts.unfinished(prefix, signal)) {
        if (upload.begunAt >= before) continue;
        const lastPartAt = await multiparts.lastPartAt(upload);
        if (lastPartAt !== undefined && lastPartAt >= before) continue;
        if (!dryRun) await multiparts.abort(upload);
        abandoned.push(upload.key);
      }
      return abandoned;
    },
  };
}
