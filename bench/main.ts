import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { makeScratch } from '../test/support/scratch.ts';
import { type Contender, startContenders } from './contender.ts';
import { svgChart } from './report/chart.ts';
import { type Samples, summarise } from './report/results.ts';
import { markdownTable } from './report/table.ts';
import type { Row } from './row.ts';
import { largeBlobRows } from './rows/large-blobs.ts';
import { listRows } from './rows/lists.ts';
import { loginRows } from './rows/login.ts';
import { mirrorRows } from './rows/mirror.ts';
import { processRows } from './rows/process.ts';
import { smallPushRows } from './rows/small-pushes.ts';
import { smallReadRows } from './rows/small-reads.ts';

const { values } = parseArgs({
  options: {
    /** Rows whose name holds this. */
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    /** Of one measurement by rate. */
    seconds: { type: 'string', default: '5' },
    /** Of the long lists. */
    entries: { type: 'string', default: '10000' },
    /** MiB of a large layer. */
    large: { type: 'string', default: '512' },
    output: { type: 'string', default: new URL('results', import.meta.url).pathname },
  },
});

const rows = [
  ...smallReadRows,
  ...smallPushRows,
  ...largeBlobRows(Number(values.large)),
  ...listRows(Number(values.entries)),
  ...loginRows,
  ...mirrorRows(Math.ceil(Number(values.large) / 2)),
  ...processRows,
].filter((row) => row.name.includes(values.only));

await using scratch = makeScratch();
const contenders = await startContenders(scratch);
try {
  const lines = summarise(await measureAll(contenders), 'fairlead');
  console.log(markdownTable(lines));
  await mkdir(values.output, { recursive: true });
  await writeFile(`${values.output}/results.json`, `${JSON.stringify(lines, null, 2)}\n`);
  await writeFile(`${values.output}/results.svg`, svgChart(lines));
} finally {
  await Promise.all(contenders.map(({ server }) => server.stop()));
}

/** Row by row, and in each round the contenders in turn, so that all share the machine's moods. */
async function measureAll(taking: readonly Contender[]): Promise<Samples> {
  const [own] = taking;
  if (own === undefined) throw new Error('nobody takes part');
  const samples = new Map<Row, ReadonlyMap<string, readonly number[]>>();
  for (const row of rows) {
    const numbers = new Map<string, number[]>(taking.map(({ kind }) => [kind, []]));
    for (const { server } of taking) await row.prepare?.({ server, scratch });
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const { kind, server } of taking) {
        const value = await row.measure({ server, scratch, round, seconds: Number(values.seconds) });
        numbers.get(kind)?.push(value);
      }
      for (const { name, measure } of row.references ?? []) {
        const value = await measure({ server: own.server, scratch, round, seconds: Number(values.seconds) });
        numbers.set(name, [...(numbers.get(name) ?? []), value]);
      }
    }
    samples.set(row, numbers);
    console.error(
      `${row.name}: ${[...numbers].map(([kind, all]) => `${kind} ${all.map((n) => Number(n.toPrecision(3))).join('/')}`).join(', ')}`,
    );
  }
  return samples;
}
