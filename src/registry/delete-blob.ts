import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { answerEmpty } from './answers.ts';
import { record } from './audit.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** end-10: takes the blob away from this repository; its data stays for garbage collection. */
export async function deleteBlob(exchange: RepositoryExchange, digest: Digest): Promise<void> {
  const { ctx, api, repository } = exchange;
  if (!(await api.storage.layers.remove(repository.stored, digest))) {
    throw new RegistryError('BLOB_UNKNOWN', {
      message: `no blob ${digest} in ${repository.asked}: nothing was deleted`,
      detail: { name: repository.asked, digest },
    });
  }
  record(exchange, { audit: 'delete', reference: digest });
  answerEmpty(ctx, 202);
}
