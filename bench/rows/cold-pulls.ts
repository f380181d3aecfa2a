import { startColdImage } from '../load/cold-image.ts';
import { type Line, LOOPBACK } from '../load/lines.ts';
import { timed } from '../load/transfer.ts';
import { median } from '../report/results.ts';
import type { Row } from '../row.ts';
import { checkLayers, type MirrorMeasure, mirrorRow } from './mirror-row.ts';

const CLIENTS = 10;

/** Asked for one after the other, so that it is not the first request of a process that counts. */
const FIRST_BYTES = 5;

const IMAGE_LAYERS = 12;

export interface ColdLayer {
  readonly line: Line;
  readonly mebibytes: number;
}

/** Seconds until the last of the clients has a layer that nobody has pulled yet. */
function coldPull({ line, mebibytes, clients }: ColdLayer & { readonly clients: number }): MirrorMeasure {
  return async (measuring, kind) => {
    await using image = await startColdImage(measuring, { line, kind, layers: [mebibytes] });
    const seconds = await timed(() =>
      Promise.all(Array.from({ length: clients }, () => image.pull({ atOnce: 1 }))),
    );
    await checkLayers(image);
    return seconds;
  };
}

function coldPullName({ line, mebibytes }: ColdLayer): string {
  return `cold pull of ${mebibytes} MiB through a mirror over ${line.name}`;
}

export function coldPullRow(layer: ColdLayer): Row {
  return mirrorRow({ name: coldPullName(layer), unit: 's', measure: coldPull({ ...layer, clients: 1 }) });
}

/** Beside what one client takes through this server. */
export function sharedPullRow(layer: ColdLayer): Row {
  const alone = coldPull({ ...layer, clients: 1 });
  return mirrorRow({
    name: `${coldPullName(layer)}, ${CLIENTS} clients at once`,
    unit: 's',
    measure: coldPull({ ...layer, clients: CLIENTS }),
    references: [{ name: 'one client', measure: (measuring) => alone(measuring, measuring.server.kind) }],
  });
}

/** Of the layer's content, not of the answer's headers; the client has the manifest by then. */
export function firstByteRow({ line, mebibytes }: ColdLayer): Row {
  return mirrorRow({
    name: `first byte of a cold layer of ${mebibytes} MiB through a mirror over ${line.name}`,
    unit: 'ms',
    measure: async (measuring, kind) => {
      const layers = Array.from({ length: FIRST_BYTES }, () => mebibytes);
      await using image = await startColdImage(measuring, { line, kind, layers });
      await image.resolve();
      const milliseconds: number[] = [];
      for (const layer of image.layers) milliseconds.push(await image.readLayer(layer));
      return median(milliseconds);
    },
  });
}

/** The manifest, then layers of which each is half as large as the one before. @param of `mebibytes` of them all */
export function imagePullRow(of: { readonly mebibytes: number; readonly atOnce: number }): Row {
  const { mebibytes, atOnce } = of;
  const layers = Array.from({ length: IMAGE_LAYERS }, (_, index) => mebibytes / 2 ** (index + 1));
  return mirrorRow({
    name:
      `cold pull of an image of ${IMAGE_LAYERS} layers, ${mebibytes} MiB, through a mirror over ${LOOPBACK.name}, ` +
      (atOnce === 1 ? 'one after the other' : `${atOnce} at once`),
    unit: 's',
    measure: async (measuring, kind) => {
      await using image = await startColdImage(measuring, { line: LOOPBACK, kind, layers });
      const seconds = await timed(async () => {
        await image.resolve();
        await image.pull({ atOnce });
      });
      await checkLayers(image);
      return seconds;
    },
  });
}
