import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { makeScratch, type Scratch } from '../test/support/scratch.ts';
import type { Contender } from './contender.ts';
import { type Group, onDirectories } from './group.ts';
import { svgChart } from './report/chart.ts';
import { type Line, type Samples, summarise } from './report/results.ts';
import { markdownTable } from './report/table.ts';
import type { Row } from './row.ts';
import { largeBlobRows } from './rows/large-blobs.ts';
import { listRows } from './rows/lists.ts';
import { loginRows } from './rows/login.ts';
import { mirrorRows } from './rows/mirror.ts';
import { processRows } from './rows/process.ts';
import { s3RedirectRows, s3Rows } from './rows/s3.ts';
import { smallPushRows } from './rows/small-pushes.ts';
import { smallReadRows } from './rows/small-reads.ts';
import { onS3, parseS3ServerName } from './s3-group.ts';

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
    /** Where the rows on S3 have their bucket: versitygw or minio. */
    s3: { type: 'string', default: 'versitygw' },
    output: { type: 'string', default: new URL('results', import.meta.url).pathname },
  },
});

const large = Number(values.large);
const entries = Number(values.entries);
const on = parseS3ServerName(values.s3);
const groups: readonly Group[] = [
  onDirectories([
    ...smallReadRows,
    ...smallPushRows,
    ...largeBlobRows(large),
    ...listRows(entries),
    ...loginRows,
    ...mirrorRows(Math.ceil(large / 2)),
    ...processRows,
  ]),
  onS3(s3Rows(large / 2), { on, redirect: false }),
  onS3(s3RedirectRows(large / 2), { on, redirect: true }),
];

const lines: Line[] = [];
for (const group of groups) {
  const rows = group.rows.filter((row) => row.name.includes(values.only));
  if (rows.length === 0) continue;
  await using scratch = makeScratch();
  await using running = await group.start(scratch);
  lines.push(...summarise(await measureAll(rows, { taking: running.contenders, scratch }), 'fairlead'));
}
console.log(markdownTable(lines));
await mkdir(values.output, { recursive: true });
await writeFile(`${values.output}/results.json`, `${JSON.stringify(lines, null, 2)}\n`);
await writeFile(`${values.output}/results.svg`, svgChart(lines));

interface Measured {
  readonly taking: readonly Contender[];
  readonly scratch: Scratch;
}

/** Row by row, and in each round the contenders in turn, so that all share the machine's moods. */
async function measureAll(rows: readonly Row[], { taking, scratch }: Measured): Promise<Samples> {
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
