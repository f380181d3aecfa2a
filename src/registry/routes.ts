import Router from '@koa/router';
import type { Action } from '../oci/access.ts';
import { parseDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { parseReference } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';
import type { ResolveRequest } from '../oci/repository-resolver.ts';
import { answerJson, queryValue } from './answers.ts';
import { authorizeMount, authorizeRepository } from './authorize.ts';
import { deleteBlob } from './delete-blob.ts';
import { refuseWhenDeleteIsOff, refuseWhenReadOnly } from './guards.ts';
import { listCatalog } from './list-catalog.ts';
import { listReferrers } from './list-referrers.ts';
import { listTags } from './list-tags.ts';
import { resolveMountSource } from './mount-blob.ts';
import { readBlob } from './read-blob.ts';
import { readManifest } from './read-manifest.ts';
import type { RegistryApi, RegistryContext, RepositoryExchange, RequestState } from './registry-api.ts';
import { cancelUpload, finishUpload, patchUpload, readUpload, startUpload } from './upload-endpoints.ts';
import { deleteManifest, putManifest } from './write-manifest.ts';

/** What one method of an endpoint does; `parameter` is the last variable part of its path. */
interface Operation {
  readonly intent: ResolveRequest['intent'];
  readonly actions: readonly Action[];
  readonly parse: (parameter: string) => (exchange: RepositoryExchange) => Promise<void>;
  /** The last part of the path is a blob's digest. */
  readonly ofBlob?: true;
}

const PULL: readonly Action[] = ['pull'];
const PUSH: readonly Action[] = ['pull', 'push'];
const DELETE: readonly Action[] = ['delete'];

const read = (parse: Operation['parse']): Operation => ({ intent: 'read', actions: PULL, parse });
const probe = (parse: Operation['parse']): Operation => ({ intent: 'probe', actions: PULL, parse });
const push = (parse: Operation['parse']): Operation => ({ intent: 'write', actions: PUSH, parse });
const remove = (parse: Operation['parse']): Operation => ({ intent: 'write', actions: DELETE, parse });

/** An endpoint's work with what its path holds parsed, before access is looked at. */
const on =
  <Parsed>(
    parse: (text: string) => Parsed,
    work: (exchange: RepositoryExchange, parsed: Parsed) => Promise<void>,
  ): Operation['parse'] =>
  (parameter) => {
    const parsed = parse(parameter);
    return (exchange) => work(exchange, parsed);
  };

const asItIs = (text: string): string => text;

type Operations = Readonly<Partial<Record<string, Operation>>>;

/** The endpoints of one repository, by their ids in the specification. */
const ENDPOINTS: readonly { readonly path: string; readonly operations: Operations }[] = [
  {
    // end-4a, 4b, 4c, 11
    path: '/*name/blobs/uploads{/}',
    operations: { POST: push(() => startUpload) },
  },
  {
    // end-5, 6, 13, 14
    path: '/*name/blobs/uploads/:parameter',
    operations: {
      GET: push(on(asItIs, readUpload)),
      PATCH: push(on(asItIs, patchUpload)),
      PUT: push(on(asItIs, finishUpload)),
      DELETE: push(on(asItIs, cancelUpload)),
    },
  },
  {
    // end-2, 10
    path: '/*name/blobs/:parameter',
    operations: {
      GET: { ...read(on(parseDigest, readBlob)), ofBlob: true },
      HEAD: { ...probe(on(parseDigest, readBlob)), ofBlob: true },
      DELETE: remove(on(parseDigest, deleteBlob)),
    },
  },
  {
    // end-3, 7a, 7b, 9
    path: '/*name/manifests/:parameter',
    operations: {
      GET: read(on(parseReference, readManifest)),
      HEAD: probe(on(parseReference, readManifest)),
      PUT: push(on(parseReference, putManifest)),
      DELETE: remove(on(parseReference, deleteManifest)),
    },
  },
  {
    // end-8a, 8b
    path: '/*name/tags/list',
    operations: { GET: read(() => listTags), HEAD: read(() => listTags) },
  },
  {
    // end-12a, 12b
    path: '/*name/referrers/:parameter',
    operations: { GET: read(on(parseDigest, listReferrers)), HEAD: read(on(parseDigest, listReferrers)) },
  },
];

/** The HTTP API of the distribution specification, below `/v2/`. */
export function createRegistryRouter(api: RegistryApi): Router<RequestState> {
  const router = new Router<RequestState>({ prefix: '/v2', sensitive: true, strict: true });
  router.all('{/}', async (ctx) => {
    methodOf(ctx, { GET: true, HEAD: true });
    await api.authorizer.authorize(ctx.state.caller, []);
    answerJson(ctx, {});
  });
  router.all('/_catalog', async (ctx) => {
    methodOf(ctx, { GET: true, HEAD: true });
    const need = {
      type: 'registry',
      asked: 'catalog',
      resolved: 'catalog',
      mirrored: false,
      actions: ['*'],
    } as const;
    const grant = await api.authorizer.authorize(ctx.state.caller, [need]);
    await listCatalog(ctx, { api, grant });
  });
  for (const { path, operations } of ENDPOINTS) {
    router.all(path, (ctx) => dispatch(ctx, api, operations));
  }
  router.all('/*rest', () => {
    throw new RegistryError('NOT_FOUND', {
      message: 'no such endpoint: see the OCI distribution specification',
    });
  });
  return router;
}

async function dispatch(
  ctx: RegistryContext & { params: Record<string, string | undefined> },
  api: RegistryApi,
  operations: Operations,
): Promise<void> {
  const name = parseRepositoryName(ctx.params.name ?? '');
  const operation = methodOf(ctx, operations);
  const parameter = ctx.params.parameter ?? '';
  const work = operation.parse(parameter);
  const ns = parseNamespace(queryValue(ctx, 'ns'));
  if (operation.intent === 'write') refuseWhenReadOnly(api, without(operations, 'write'));
  const found = await api.resolver.resolve({
    name,
    ns,
    caller: ctx.state.caller,
    pathPrefix: ctx.state.registryPrefix,
    intent: operation.intent,
    blob: operation.ofBlob === true ? parseDigest(parameter) : undefined,
  });
  if (found.namespace !== undefined) ctx.set('OCI-Namespace', found.namespace);
  const mountSource = ctx.method === 'POST' ? await resolveMountSource(ctx, { api, ns }) : undefined;
  const target = { ctx, api, repository: found, actions: operation.actions };
  const { repository, grant } =
    mountSource === undefined
      ? await authorizeRepository(target)
      : { repository: found, grant: await authorizeMount(target, mountSource) };
  if (operation.actions === DELETE) refuseWhenDeleteIsOff(api, without(operations, 'delete'));
  await work({ ctx, api, repository, grant, mountSource });
}

/** The methods that are left, for `Allow`: RFC 9110 section 15.5.6. */
function without(operations: Operations, what: 'write' | 'delete'): string {
  const isLeft = (operation: Operation | undefined): boolean =>
    what === 'write' ? operation?.intent !== 'write' : operation?.actions !== DELETE;
  return Object.keys(operations)
    .filter((method) => isLeft(operations[method]))
    .join(', ');
}

/**
 * The source host that `ns` names, specification "Registry Proxying"; it goes back in a header.
 * @throws RegistryError NAME_INVALID
 */
function parseNamespace(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (text.length <= 255 && /^[A-Za-z0-9._:[\]-]+$/.test(text)) return text;
  throw new RegistryError('NAME_INVALID', {
    message: `ns must be the host name of a registry, not ${JSON.stringify(text.slice(0, 80))}`,
  });
}

/** @throws RegistryError UNSUPPORTED (405) with `Allow` */
function methodOf<Value>(ctx: RegistryContext, methods: Readonly<Partial<Record<string, Value>>>): Value {
  const found = Object.hasOwn(methods, ctx.method) ? methods[ctx.method] : undefined;
  if (found !== undefined) return found;
  throw new RegistryError('UNSUPPORTED', {
    message: `${ctx.method} is not supported here`,
    headers: { allow: Object.keys(methods).join(', ') },
  });
}
