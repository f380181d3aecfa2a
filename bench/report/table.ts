import type { Line } from './results.ts';

/** The results as a Markdown table; the last column is this server against the best of the others. */
export function markdownTable(lines: readonly Line[]): string {
  const contenders = [...new Set(lines.flatMap((line) => Object.keys(line.medians)))];
  const header = ['', ...contenders, 'to the best'];
  const rows = lines.map((line) => [
    `${line.name}, ${line.unit}`,
    ...contenders.map((name) => formatNumber(line.medians[name])),
    line.ratio === undefined ? '' : `${line.ratio.toFixed(2)}×`,
  ]);
  const asLine = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [asLine(header), asLine(header.map(() => '---')), ...rows.map(asLine)].join('\n');
}

function formatNumber(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
