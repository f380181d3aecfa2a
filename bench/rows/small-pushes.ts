import { randomBytes } from 'node:crypto';
import { pushImage } from '../../test/support/raw-images.ts';
import { mediaTypes } from '../../test/support/registry-client.ts';
import { roundsPerSecond } from '../load/rounds.ts';
import type { Row } from '../row.ts';

const smallPushes: Row = {
  name: 'small image pushes, 2 blobs and a manifest, 8 at once',
  unit: '/s',
  better: 'more',
  measure: (measuring) =>
    roundsPerSecond(measuring, {
      name: 'push',
      work: async ({ repository, count }) => {
        // A config that no other push has.
        const layers = [randomBytes(4096)];
        await pushImage(repository, { tag: `v${count}-${measuring.round}`, layers });
      },
    }),
};

const tagPuts: Row = {
  name: 'tag puts, 8 at once',
  unit: '/s',
  better: 'more',
  measure: (measuring) =>
    roundsPerSecond(measuring, {
      name: 'tags',
      work: async ({ repository, count }) => {
        const config = Buffer.from('{}');
        const digest = count === 0 ? await repository.pushBlob(config) : EMPTY_OBJECT;
        await repository.putManifest(`v${count}`, {
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: { mediaType: mediaTypes.config, digest, size: config.length },
          layers: [],
        });
      },
    }),
};

/** The digest of `{}`. */
const EMPTY_OBJECT = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

export const smallPushRows: readonly Row[] = [smallPushes, tagPuts];
