import type { Digest } from '../oci/digest.ts';
import { OCI_IMAGE_INDEX } from '../oci/media-types.ts';
import type { ReferrerDescriptor } from '../oci/referrer-descriptor.ts';
import { answerJson, clientSignal, queryValue } from './answers.ts';
import { setNextLink } from './pagination.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** Bytes of one page: below what clients read of a manifest (4 MiB), with room for the frame. */
const PAGE_SIZE = 3 * 1024 * 1024;

/** end-12a, end-12b: what refers to a manifest; an empty list where nothing is known, never 404. */
export async function listReferrers({ ctx, repository }: RepositoryExchange, subject: Digest): Promise<void> {
  const artifactType = queryValue(ctx, 'artifactType');
  const after = queryValue(ctx, 'last');
  const most = Number(queryValue(ctx, 'n') ?? Number.NaN);
  const all = await repository.reader.referrers(subject, clientSignal(ctx));
  const wanted = all.filter(
    (entry) =>
      (artifactType === undefined || artifactType === '' || entry.artifactType === artifactType) &&
      (after === undefined || entry.digest > after),
  );
  const manifests = pageOf(wanted, Number.isInteger(most) && most > 0 ? most : wanted.length);
  const last = manifests.at(-1);
  if (last !== undefined && manifests.length < wanted.length) {
    const path = `/v2/${repository.asked}/referrers/${subject}`;
    setNextLink(ctx, { last: last.digest, path });
  }
  if (artifactType !== undefined && artifactType !== '') ctx.set('OCI-Filters-Applied', 'artifactType');
  answerJson(ctx, { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }, OCI_IMAGE_INDEX);
}

/** The first entries that fit into a page; one at least, however large. */
function pageOf(entries: readonly ReferrerDescriptor[], most: number): readonly ReferrerDescriptor[] {
  let size = 0;
  let count = 0;
  for (const entry of entries.slice(0, most)) {
    size += JSON.stringify(entry).length + 1;
    if (size > PAGE_SIZE && count > 0) break;
    count += 1;
  }
  return entries.slice(0, count);
}
