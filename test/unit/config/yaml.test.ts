import { describe, expect, it } from 'vitest';
import { parseYaml, YamlError } from '../../../src/config/yaml.ts';

describe('YAML', () => {
  it('keeps scalars as they are written', () => {
    expect(parseYaml('a: 0123\nb: "null"\nc: yes\nd: 0.10')).toEqual({
      a: '0123',
      b: 'null',
      c: 'yes',
      d: '0.10',
    });
  });

  it('takes what is left out for nothing', () => {
    expect(parseYaml('a:\nb: ~\nc: null\nd: ""')).toEqual({ a: null, b: null, c: null, d: '' });
    expect(parseYaml('')).toBeNull();
  });

  it('knows anchors and merge keys', () => {
    expect(parseYaml('x: &x { a: 1 }\ny: { <<: *x, b: 2 }')).toMatchObject({ y: { a: '1', b: '2' } });
  });

  it.each([
    ['a: [', 'line 1'],
    ['a: 1\na: 2', 'line 2'],
    ['a: *nobody', 'nobody'],
    ['a: 1\n---\nb: 2', 'line 2'],
  ])('refuses %j and says where', (text, where) => {
    expect(() => parseYaml(text)).toThrow(YamlError);
    expect(() => parseYaml(text)).toThrow(where);
  });

  it('shows nothing of the text when it refuses it', () => {
    expect(() => parseYaml('password: "hunter2')).toThrow(
      expect.not.objectContaining({ message: /hunter2/ }),
    );
  });

  it('does not follow aliases without end', () => {
    const bomb = ['a0: &a0 [x]'];
    for (let depth = 1; depth < 30; depth++) {
      bomb.push(`a${depth}: &a${depth} [*a${depth - 1}, *a${depth - 1}, *a${depth - 1}]`);
    }
    expect(() => parseYaml(bomb.join('\n'))).toThrow(YamlError);
  });
});
