import { answerJson, clientSignal } from './answers.ts';
import { parsePage, setNextLink } from './pagination.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** end-8a, end-8b: the tags of a repository, in ASCII order. */
export async function listTags({ ctx, api, repository }: RepositoryExchange): Promise<void> {
  const { limit, after } = parsePage(ctx, api.settings.maxTags);
  const signal = clientSignal(ctx);
  const page = await repository.reader.tags({ limit: Math.max(limit, 1), after, signal });
  const tags = limit === 0 ? [] : page.tags;
  const last = tags.at(-1);
  if (page.more && last !== undefined) {
    setNextLink(ctx, { last, limit, path: `/v2/${repository.asked}/tags/list` });
  }
  answerJson(ctx, { name: repository.asked, tags });
}
