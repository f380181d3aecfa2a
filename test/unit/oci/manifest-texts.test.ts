import { expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../../src/oci/media-types.ts';

const object = { toString: 1, valueOf: 1 };

it.each([{ urls: [object] }, { platform: { os: object, architecture: [object] } }])(
  'takes no object for a text in a descriptor: %j',
  (more) => {
    const child = { mediaType: OCI_IMAGE_MANIFEST, digest: digestOf(Buffer.from('x')), size: 1, ...more };
    const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [child] };
    const [read] = parseManifest(Buffer.from(JSON.stringify(index))).manifests;
    expect(read?.urls ?? ['']).toEqual(['']);
    expect(read?.platform ?? { os: '', architecture: '' }).toEqual({ os: '', architecture: '' });
  },
);
