import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChunkRange, parseRangeHeader } from '../../../src/oci/byte-range.ts';
import { digestOf, isDigest, parseDigest } from '../../../src/oci/digest.ts';
import { RegistryError } from '../../../src/oci/errors.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { isRepositoryName, parseRepositoryName } from '../../../src/oci/repository-name.ts';
import { storedMediaType } from '../../../src/oci/stored-media-type.ts';
import { parseStrictJson } from '../../../src/oci/strict-json.ts';
import { fallbackTag } from '../../../src/storage/referrers.ts';

/** The result, or undefined for a RegistryError of status 400; any other error fails the test. */
function orRefused<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegistryError && error.status === 400) return undefined;
    throw error;
  }
}

const nearName = fc.string({
  unit: fc.constantFrom('a', '0', '.', '_', '-', '/', 'A', ' ', '\n', 'ü', '%'),
  maxLength: 20,
});
const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), nearName);

test('a repository name is what the grammar of the specification says, and never a way out', () => {
  const grammar = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
  fc.assert(
    fc.property(anyText, (text) => {
      const taken = orRefused(() => parseRepositoryName(text)) !== undefined;
      expect(taken).toBe(grammar.test(text) && !text.includes('\n') && text.length <= 255);
      if (taken) expect(text.split('/').every((part) => part !== '' && !/^[._]/.test(part))).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test('long names that nearly fit are judged at once', () => {
  const started = performance.now();
  for (const text of [`${'a-'.repeat(127)}`, `${'a'.repeat(254)}_`, 'a__'.repeat(85), '-'.repeat(255)]) {
    expect(isRepositoryName(text)).toBe(false);
  }
  expect(performance.now() - started).toBeLessThan(200);
});

test('a reference is a tag or a digest, or refused', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.stringMatching(/^[a-zA-Z0-9_.:-]{0,130}$/)), (text) => {
      const reference = orRefused(() => parseReference(text));
      if (reference?.kind === 'tag') expect(text).toMatch(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/);
      if (reference?.kind === 'digest') expect(isDigest(text)).toBe(true);
    }),
  );
});

test('a digest of content is one, has a fallback tag, and is no longer one with any character changed', () => {
  const content = fc.uint8Array();
  fc.assert(
    fc.property(content, fc.constantFrom('sha256', 'sha512'), fc.nat(134), (bytes, algorithm, at) => {
      const digest = digestOf(bytes, algorithm);
      expect(parseDigest(digest)).toBe(digest);
      expect(fallbackTag(digest)).toMatch(/^sha(256|512)-[0-9a-f]{64}$/);
      const position = at % digest.length;
      const broken = `${digest.slice(0, position)}G${digest.slice(position + 1)}`;
      expect(orRefused(() => parseDigest(broken))).toBeUndefined();
    }),
  );
});

describe('ranges', () => {
  const number = fc.oneof(fc.nat(30), fc.nat(), fc.constantFrom('', '99999999999999999999', '-1', 'x'));

  test('a part lies inside of the content, whatever the header', () => {
    const header = fc.oneof(
      fc.tuple(number, number).map(([first, last]) => `bytes=${first}-${last}`),
      fc.string().map((text) => `bytes=${text}`),
      fc.string(),
    );
    fc.assert(
      fc.property(header, fc.nat(25), (text, size) => {
        const request = parseRangeHeader(text, size);
        if (request.kind !== 'part') return;
        const { start, end } = request.range;
        expect(0 <= start && start <= end && end < size).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('first-last is that part of the content, cut at its end', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), fc.integer({ min: 1, max: 25 }), (first, last, size) => {
        const request = parseRangeHeader(`bytes=${first}-${last}`, size);
        if (first > last || first >= size) expect(request).toEqual({ kind: 'unsatisfiable' });
        else
          expect(request).toEqual({ kind: 'part', range: { start: first, end: Math.min(last, size - 1) } });
      }),
    );
  });

  test('a Content-Range is understood or not, and never the wrong way round', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(number, number).map((pair) => pair.join('-')),
        ),
        (text) => {
          const range = parseChunkRange(text);
          if (range !== undefined) expect(range.start).toBeLessThanOrEqual(range.end);
        },
      ),
    );
    expect(parseChunkRange('5-9')).toEqual({ start: 5, end: 9 });
  });
});

describe('manifests', () => {
  test('any bytes are a manifest or refused, and have a media type that fits a header', () => {
    const fields = fc.dictionary(
      fc.constantFrom(
        'schemaVersion',
        'mediaType',
        'config',
        'layers',
        'manifests',
        'subject',
        'annotations',
        'artifactType',
        'blobs',
        '__proto__',
      ),
      fc.oneof(fc.constant(2), fc.jsonValue(), fc.constantFrom('a/b', 'a\nb', [], {})),
    );
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fields.map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(bytes, fc.option(fc.string(), { nil: undefined }), (content, contentType) => {
        const manifest = orRefused(() => parseManifest(content, contentType));
        for (const type of [manifest?.mediaType ?? 'a/b', storedMediaType(content)]) {
          expect(type).toMatch(/^[\x21-\x7e]+\/[\x21-\x7e]+$/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('strict JSON is what JSON.parse makes of it, unless a name stands twice', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseStrictJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, value) => {
        const field = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
        expect(() => parseStrictJson(Buffer.from(`{"x":[{${field} , ${field}}]}`))).toThrow(SyntaxError);
      }),
    );
  });
});
