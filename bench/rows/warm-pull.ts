import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { type ColdImage, startColdImage } from '../load/cold-image.ts';
import { LOOPBACK } from '../load/lines.ts';
import { blobPath } from '../load/static-files.ts';
import { timed } from '../load/transfer.ts';
import type { Row } from '../row.ts';
import { checkLayers, mirrorRow } from './mirror-row.ts';

/** Milliseconds from the end of a pull; docker-registry fetches once more what it keeps. */
const KEPT_WITHIN = 60_000;

/** A layer that the mirror keeps, when its upstream has ended, so that nothing can come from there. */
export function warmPullRow(mebibytes: number): Row {
  return mirrorRow({
    name: `warm pull of ${mebibytes} MiB through a mirror`,
    unit: 's',
    measure: async (measuring, kind) => {
      await using image = await startColdImage(measuring, { line: LOOPBACK, kind, layers: [mebibytes] });
      await image.pull({ atOnce: 1 });
      await kept(image);
      await checkLayers(image);
      if (image.mirror !== undefined) await image.upstream.stop();
      return await timed(() => image.pull({ atOnce: 1 }));
    },
  });
}

async function kept({ mirror, layers }: ColdImage): Promise<void> {
  if (mirror === undefined) return;
  for (const { digest } of layers) {
    const path = join(mirror.root, blobPath(digest));
    await eventually(`${mirror.kind} keeps ${digest}`, {
      within: KEPT_WITHIN,
      holds: () => existsSync(path),
    });
  }
}
