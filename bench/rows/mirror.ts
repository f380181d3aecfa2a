import { LOOPBACK, SLOW_LINE, WIDE_LINE } from '../load/lines.ts';
import type { Row } from '../row.ts';
import { coldPullRow, firstByteRow, imagePullRow, sharedPullRow } from './cold-pulls.ts';
import { warmPullRow } from './warm-pull.ts';

/** Each measurement has an upstream and a mirror of its own, which have just started. @param mebibytes of a layer */
export function mirrorRows(mebibytes: number): readonly Row[] {
  return [
    ...[LOOPBACK, WIDE_LINE, SLOW_LINE].map((line) => coldPullRow({ line, mebibytes })),
    sharedPullRow({ line: SLOW_LINE, mebibytes }),
    ...[LOOPBACK, SLOW_LINE].map((line) => firstByteRow({ line, mebibytes: Math.ceil(mebibytes / 16) })),
    warmPullRow(mebibytes),
    ...[1, 4].map((atOnce) => imagePullRow({ mebibytes, atOnce })),
  ];
}
