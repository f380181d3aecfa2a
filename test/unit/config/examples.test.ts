import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from '../../support/parse.ts';

const folder = new URL('../../../config/examples/', import.meta.url);

describe('config/examples', () => {
  it.each(readdirSync(folder))('%s is good', (name) => {
    const { warnings, effective } = parse(readFileSync(new URL(name, folder), 'utf8'));
    expect(warnings).toEqual([]);
    expect(effective()).not.toContain('change-me');
  });
});
