import { randomBytes, randomInt } from 'node:crypto';
import type { HttpClient } from './http-client.ts';
import { digestOf, mediaTypes, RepositoryClient, withDigest } from './registry-client.ts';

interface Entry {
  readonly round: number;
  readonly name: string;
  readonly digest: string;
  readonly kind: 'blobs' | 'manifests';
  acknowledged: boolean;
}

/** What was pushed, and what of it a server said is there. */
export class PushLedger {
  readonly #entries: Entry[] = [];
  /** For each repository and tag the digests it may lead to: the last acknowledged, and all put since. */
  readonly #tags = new Map<string, { readonly name: string; readonly tag: string; may: Set<string> }>();
  /** Referrers acknowledged, whose subject must list them. */
  readonly #referrers: {
    readonly round: number;
    readonly name: string;
    readonly subject: string;
    readonly digest: string;
  }[] = [];
  #round = 0;

  nextRound(): void {
    this.#round += 1;
  }

  /** Says that a push begins; the answer says that it was acknowledged. */
  begin(entry: Pick<Entry, 'name' | 'digest' | 'kind'>): () => void {
    const kept: Entry = { ...entry, round: this.#round, acknowledged: false };
    this.#entries.push(kept);
    return () => {
      kept.acknowledged = true;
    };
  }

  /** Says that an artifact was acknowledged, and is to be in its subject's list from now on. */
  refers(referrer: { readonly name: string; readonly subject: string; readonly digest: string }): void {
    this.#referrers.push({ ...referrer, round: this.#round });
  }

  beginTag({ name, tag, digest }: { name: string; tag: string; digest: string }): () => void {
    const key = `${name}:${tag}`;
    const known = this.#tags.get(key) ?? { name, tag, may: new Set(['none']) };
    known.may.add(digest);
    this.#tags.set(key, known);
    return () => {
      known.may = new Set([digest]);
    };
  }

  /**
   * Asks for all that was begun in the rounds since: what was acknowledged must be there, what was not is there
   * whole or not at all; tags lead to what was acknowledged last, or put later. Gives the numbers acknowledged.
   */
  async verify(options: {
    readonly http: HttpClient;
    readonly origin: string;
    readonly since: number;
  }): Promise<{ blobs: number; manifests: number }> {
    const { http, origin, since } = options;
    const counts = { blobs: 0, manifests: 0 };
    for (const { name, digest, kind, acknowledged } of this.#entries.filter(({ round }) => round >= since)) {
      const headers = { accept: mediaTypes.manifest };
      const { status, body } = await http.send(`${origin}/v2/${name}/${kind}/${digest}`, { headers });
      if (status === 404 && !acknowledged) continue;
      if (status !== 200 || digestOf(body) !== digest) {
        const state = acknowledged ? 'acknowledged' : 'begun';
        throw new Error(`${name} ${kind} ${digest}, ${state}: ${status}, ${body.byteLength} bytes`);
      }
      if (acknowledged) counts[kind] += 1;
    }
    for (const { name, tag, may } of this.#tags.values()) {
      const headers = { accept: mediaTypes.manifest };
      const { status, body } = await http.send(`${origin}/v2/${name}/manifests/${tag}`, { headers });
      const leadsTo = status === 404 ? 'none' : digestOf(body);
      if (!may.has(leadsTo))
        throw new Error(`${name}:${tag} leads to ${leadsTo}, ${status}, not ${[...may]}`);
    }
    for (const { round, name, subject, digest } of this.#referrers) {
      if (round < since) continue;
      const { body } = await http.send(`${origin}/v2/${name}/referrers/${subject}`);
      if (!body.includes(digest))
        throw new Error(`${name}: ${digest} is not among the referrers of ${subject}`);
    }
    return counts;
  }
}

export interface PushUntilCut {
  readonly http: HttpClient;
  readonly origin: string;
  readonly name: string;
  readonly ledger: PushLedger;
  /** From when on errors are what is expected. */
  readonly signal: AbortSignal;
}

/** Pushes one image after the other, by every kind of upload, until the server is cut off. */
export async function pushUntilCut(options: PushUntilCut): Promise<void> {
  const { http, origin, name, ledger, signal } = options;
  const repository = new RepositoryClient(http, { origin, name });
  try {
    for (let number = 0; ; number += 1) {
      const blobs = [
        randomBytes(randomInt(1, 2000)),
        randomBytes(randomInt(1, number % 4 === 0 ? 600_000 : 60_000)),
      ];
      const descriptors = [];
      for (const content of blobs) {
        const digest = digestOf(content);
        const acknowledge = ledger.begin({ name, digest, kind: 'blobs' });
        await pushBlob(repository, content);
        acknowledge();
        descriptors.push({ mediaType: mediaTypes.layer, digest, size: content.byteLength });
      }
      const [config, ...layers] = descriptors;
      const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
      const digest = digestOf(Buffer.from(JSON.stringify(manifest)));
      const tag = `tag-${number % 3}`;
      const acknowledge = ledger.begin({ name, digest, kind: 'manifests' });
      const acknowledgeTag = ledger.beginTag({ name, tag, digest });
      await repository.putManifest(tag, manifest);
      acknowledge();
      acknowledgeTag();
      const subject = { mediaType: mediaTypes.manifest, digest, size: JSON.stringify(manifest).length };
      const artifact = { ...manifest, artifactType: 'application/vnd.example.note', subject };
      const artifactDigest = digestOf(Buffer.from(JSON.stringify(artifact)));
      const acknowledgeArtifact = ledger.begin({ name, digest: artifactDigest, kind: 'manifests' });
      await repository.putManifest(artifactDigest, artifact);
      acknowledgeArtifact();
      ledger.refers({ name, subject: digest, digest: artifactDigest });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** By one of the three ways that clients use. */
async function pushBlob(repository: RepositoryClient, content: Uint8Array): Promise<void> {
  const digest = digestOf(content);
  const way = randomInt(3);
  if (way === 0) {
    const answer = await repository.send(withDigest('blobs/uploads/', digest), {
      method: 'POST',
      body: content,
    });
    // A server may not take it in one, and give a session.
    if (answer.status === 202) await repository.finish(answer.headers.location ?? '', digest, content);
    else if (answer.status !== 201) throw new Error(`single POST: ${answer.status} ${answer.body}`);
  } else if (way === 1) {
    await repository.finish(await repository.startUpload(), digest, content);
  } else {
    const half = content.byteLength >> 1;
    let session = await repository.startUpload();
    if (half > 0) session = await repository.patch(session, content.subarray(0, half));
    session = await repository.patch(session, content.subarray(half));
    await repository.finish(session, digest);
  }
}
