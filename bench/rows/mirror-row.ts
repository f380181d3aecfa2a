import type { RegistryKind } from '../../test/support/registry-server.ts';
import type { ColdImage } from '../load/cold-image.ts';
import type { Measuring, Reference, Row } from '../row.ts';

/** `kind`: whose mirror is measured; undefined: none, its clients ask the upstream itself. */
export type MirrorMeasure = (measuring: Measuring, kind: RegistryKind | undefined) => Promise<number>;

export interface MirrorRow {
  readonly name: string;
  readonly unit: 's' | 'ms';
  readonly measure: MirrorMeasure;
  /** Beside what clients get without a mirror. */
  readonly references?: readonly Reference[];
}

export function mirrorRow({ name, unit, measure, references = [] }: MirrorRow): Row {
  return {
    name,
    unit,
    better: 'less',
    measure: (measuring) => measure(measuring, measuring.server.kind),
    references: [{ name: 'direct', measure: (measuring) => measure(measuring, undefined) }, ...references],
  };
}

/** What a pull to nowhere cannot tell: that the bytes of a mirror are right. Not part of what is timed. */
export async function checkLayers({ mirror, layers, readLayer }: ColdImage): Promise<void> {
  if (mirror === undefined) return;
  for (const layer of layers) await readLayer(layer);
}
