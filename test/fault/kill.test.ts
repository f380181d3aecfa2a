import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { httpClient } from '../support/http-client.ts';
import { PushLedger, pushUntilCut } from '../support/push-ledger.ts';
import { startRegistry } from '../support/registry-server.ts';
import { resumeUpload, uploadUntilCut } from '../support/resumable-upload.ts';
import { makeScratch } from '../support/scratch.ts';

const kills = 60;
const writers = 4;
/** Every so many kills an upload that was cut is gone on with, which waits for the verdict on a lock. */
const resumeEvery = 3;

test(`after each of ${kills} kills everything acknowledged is there, and cut uploads go on`, async () => {
  await using scratch = makeScratch();
  await using server = await startRegistry({ directory: scratch.path });
  const ledger = new PushLedger();
  let resumed = 0;
  for (let round = 0; round < kills; round += 1) {
    using http = httpClient();
    const cut = new AbortController();
    const origin = server.url;
    const pushes = Array.from({ length: writers }, (_, writer) =>
      pushUntilCut({ http, origin, ledger, name: `team/writer-${writer}`, signal: cut.signal }),
    );
    const upload = uploadUntilCut({ http, origin, name: 'team/resumed', signal: cut.signal });
    await delay(50 + Math.random() * 600);
    cut.abort();
    await server.kill();
    await Promise.all(pushes);
    const interrupted = await upload;
    await server.start();
    using again = httpClient();
    await ledger.verify({ http: again, origin, since: round });
    ledger.nextRound();
    if (interrupted !== undefined && round % resumeEvery === 0) {
      const { found } = await resumeUpload(again, interrupted);
      expect(found).toBeGreaterThanOrEqual(interrupted.acknowledged);
      expect(found).toBeLessThanOrEqual(interrupted.sent);
      resumed += 1;
    }
  }
  using http = httpClient();
  const counts = await ledger.verify({ http, origin: server.url, since: 0 });
  console.info(
    `${kills} kills: ${counts.blobs} blobs, ${counts.manifests} manifests, ${resumed} uploads resumed`,
  );
  expect(counts.blobs).toBeGreaterThan(kills);
  expect(resumed).toBeGreaterThan(kills / resumeEvery / 2);
});
