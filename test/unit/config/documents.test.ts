import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { snippetsOf } from '../../support/document.ts';
import { parse } from '../../support/parse.ts';

const folder = new URL('../../../docs/', import.meta.url);
const documents = [
  'README.md',
  ...readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Of other programs: k3s’s. */
const FOREIGN = /^mirrors:/;

it.each(documents)('what %s shows of a configuration is good', (document) => {
  for (const snippet of snippetsOf(document, 'yaml').filter((text) => !FOREIGN.test(text))) {
    expect(parse(`version: 0.1\n${snippet}`).warnings).toEqual([]);
  }
});
