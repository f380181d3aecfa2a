import type { Row } from '../row.ts';

/** What was measured: by row, then by contender, one number a round. */
export type Samples = ReadonlyMap<Row, ReadonlyMap<string, readonly number[]>>;

export interface Line {
  readonly name: string;
  readonly unit: Row['unit'];
  readonly better: Row['better'];
  /** Medians by contender. */
  readonly medians: Readonly<Record<string, number>>;
  /** This server against the best of the others: above 1 is better, whatever the unit. */
  readonly ratio: number | undefined;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (upper + lower) / 2;
}

export function summarise(samples: Samples, own: string): readonly Line[] {
  return [...samples].map(([row, byContender]) => {
    const medians = Object.fromEntries([...byContender].map(([name, numbers]) => [name, median(numbers)]));
    const mine = medians[own];
    const { name, unit, better, references = [] } = row;
    const apart = new Set([own, ...references.map((reference) => reference.name)]);
    const others = Object.entries(medians).flatMap(([name, value]) => (apart.has(name) ? [] : [value]));
    return { name, unit, better, medians, ratio: ratioOf({ mine, others, better }) };
  });
}

function ratioOf(of: {
  mine: number | undefined;
  others: readonly number[];
  better: Row['better'];
}): number | undefined {
  const { mine, others, better } = of;
  if (mine === undefined || others.length === 0) return undefined;
  return better === 'more' ? mine / Math.max(...others) : Math.min(...others) / mine;
}
