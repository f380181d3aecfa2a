import type { Line } from './results.ts';

const WIDTH = 900;
const LABEL = 380;
const BAR = 16;
const COLOURS = ['#2563eb', '#9ca3af', '#d1d5db', '#6b7280', '#e5e7eb'];

/** The results as an SVG: for each row a bar a contender, the best of the row filling the width. */
export function svgChart(lines: readonly Line[]): string {
  const parts: string[] = [];
  let y = 10;
  for (const line of lines) {
    const entries = Object.entries(line.medians);
    parts.push(text({ x: 10, y: y + BAR - 4, content: `${line.name}, ${line.unit}` }));
    const values = entries.map(([, value]) => value);
    for (const [index, [name, value]] of entries.entries()) {
      const share = line.better === 'more' ? value / Math.max(...values) : Math.min(...values) / value;
      const width = Math.max(1, share * (WIDTH - LABEL - 140));
      const fill = COLOURS[index % COLOURS.length];
      parts.push(
        `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 3}" fill="${fill}"/>`,
      );
      parts.push(
        text({ x: LABEL + width + 6, y: y + BAR - 5, content: `${name} ${Number(value.toPrecision(3))}` }),
      );
      y += BAR;
    }
    y += 10;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" ` +
    `font-family="sans-serif" font-size="11">\n${parts.join('\n')}\n</svg>\n`
  );
}

function text({ x, y, content }: { x: number; y: number; content: string }): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}">${escaped}</text>`;
}
