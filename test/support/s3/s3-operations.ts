import type { S3Operation } from './s3-faults.ts';
import { objectOf, type S3Store, type StoredObject, type StoredUpload } from './s3-store.ts';

export interface S3Request {
  readonly operation: S3Operation;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** Carries out one request, as S3 documents it, as far as it is used here. */
export function carryOut(store: S3Store, request: S3Request): S3Answer {
  switch (request.operation) {
    case 'GetObject':
    case 'HeadObject':
      return get(store, request);
    case 'PutObject':
      return put(store, request);
    case 'CopyObject':
      return copy(store, request);
    case 'DeleteObject':
      store.objects.delete(request.key);
      return { status: 204 };
    case 'ListObjectsV2':
      return list(store, request);
    case 'CreateMultipartUpload':
      return xml('InitiateMultipartUploadResult', tag('UploadId', store.begin(request.key)));
    case 'UploadPart':
    case 'UploadPartCopy':
      return part(store, request);
    case 'CompleteMultipartUpload':
      return complete(store, request);
    case 'AbortMultipartUpload':
      return withUpload(store, request, (_upload, id) => {
        store.uploads.delete(id);
        return { status: 204 };
      });
    case 'ListParts':
      return withUpload(store, request, ({ parts }) =>
        xml(
          'ListPartsResult',
          [...parts]
            .sort(([a], [b]) => a - b)
            .map(([number, { etag, content, modifiedAt }]) =>
              tag(
                'Part',
                tag('PartNumber', number) +
                  tag('ETag', etag) +
                  tag('Size', content.length) +
                  tag('LastModified', modifiedAt.toISOString()),
              ),
            )
            .join(''),
        ),
      );
    case 'ListMultipartUploads':
      return xml(
        'ListMultipartUploadsResult',
        [...store.uploads]
          .filter(([, { key }]) => key.startsWith(request.query.get('prefix') ?? ''))
          .map(([id, { key, begunAt }]) =>
            tag('Upload', tag('Key', key) + tag('UploadId', id) + tag('Initiated', begunAt.toISOString())),
          )
          .join(''),
      );
  }
}

export function failure(status: number, code: string): S3Answer {
  return { status, body: `<?xml version="1.0"?>${tag('Error', tag('Code', code) + tag('Message', code))}` };
}

function get(store: S3Store, { key, headers }: S3Request): S3Answer {
  const object = store.objects.get(key);
  if (object === undefined) return failure(404, 'NoSuchKey');
  const { content, etag, modifiedAt } = object;
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && ifMatch !== etag) return failure(412, 'PreconditionFailed');
  const common = { etag, 'last-modified': modifiedAt.toUTCString() };
  const range = /^bytes=(\d+)-(\d+)$/.exec(String(headers.range ?? ''));
  if (range === null) return { status: 200, headers: common, body: content };
  const start = Number(range[1]);
  const end = Math.min(Number(range[2]), content.length - 1);
  if (start >= content.length) return failure(416, 'InvalidRange');
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${start}-${end}/${content.length}` },
    body: content.subarray(start, end + 1),
  };
}

function put(store: S3Store, { key, headers, body }: S3Request): S3Answer {
  const before = store.objects.get(key);
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifMatch !== undefined && before === undefined) return failure(404, 'NoSuchKey');
  if (ifMatch !== undefined && before?.etag !== ifMatch) return failure(412, 'PreconditionFailed');
  if (ifNoneMatch === '*' && before !== undefined) return failure(412, 'PreconditionFailed');
  return { status: 200, headers: { etag: store.put(key, body).etag } };
}

function part(store: S3Store, request: S3Request): S3Answer {
  return withUpload(store, request, ({ parts }) => {
    const number = Number(request.query.get('partNumber'));
    if (request.operation === 'UploadPart') {
      const stored = objectOf(request.body);
      parts.set(number, stored);
      return { status: 200, headers: { etag: stored.etag } };
    }
    const object = sourceOf(store, request);
    if (object === undefined) return failure(404, 'NoSuchKey');
    const range = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers['x-amz-copy-source-range'] ?? ''));
    const { content } = object;
    if (range !== null && Number(range[2]) >= content.length) return failure(400, 'InvalidArgument');
    const stored =
      range === null ? object : objectOf(content.subarray(Number(range[1]), Number(range[2]) + 1));
    parts.set(number, stored);
    return xml('CopyPartResult', tag('ETag', stored.etag));
  });
}

function copy(store: S3Store, request: S3Request): S3Answer {
  const object = sourceOf(store, request);
  if (object === undefined) return failure(404, 'NoSuchKey');
  return xml('CopyObjectResult', tag('ETag', store.put(request.key, object.content).etag));
}

function sourceOf(store: S3Store, { headers }: S3Request): StoredObject | undefined {
  const source = decodeURIComponent(String(headers['x-amz-copy-source'])).replace(/^\/?[^/]+\//, '');
  return store.objects.get(source);
}

function complete(store: S3Store, request: S3Request): S3Answer {
  return withUpload(store, request, ({ key, parts }, id) => {
    const named = [...request.body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, text = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(text)?.[1]),
      etag: /<ETag>(.*?)</.exec(text)?.[1]?.replaceAll('&quot;', '"'),
    }));
    const chosen = named.map(({ number, etag }) => {
      const stored = parts.get(number);
      return stored?.etag === etag ? stored : undefined;
    });
    const contents: Buffer[] = [];
    for (const [index, stored] of chosen.entries()) {
      if (stored === undefined) return failure(400, 'InvalidPart');
      if (index < chosen.length - 1 && stored.content.length < store.smallestPart)
        return failure(400, 'EntityTooSmall');
      contents.push(stored.content);
    }
    if (contents.length === 0) return failure(400, 'MalformedXML');
    const { etag } = store.put(key, Buffer.concat(contents), `-${contents.length}`);
    store.uploads.delete(id);
    return xml('CompleteMultipartUploadResult', tag('ETag', etag));
  });
}

function withUpload(
  store: S3Store,
  { query, key }: S3Request,
  work: (upload: StoredUpload, id: string) => S3Answer,
): S3Answer {
  const id = query.get('uploadId') ?? '';
  const upload = store.uploads.get(id);
  return upload?.key === key ? work(upload, id) : failure(404, 'NoSuchUpload');
}

function list(store: S3Store, { query }: S3Request): S3Answer {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter');
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const limit = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  const places = new Map<string, string>();
  for (const key of store.keys(prefix)) {
    const cut = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
    const place = cut === -1 ? key : key.slice(0, cut + 1);
    const isFolder = place !== key || cut !== -1;
    // What a folder stands for lies behind the folder's own name.
    if (Buffer.compare(Buffer.from(place), Buffer.from(after)) <= 0) continue;
    if (isFolder && after.startsWith(place)) continue;
    places.set(place, isFolder ? '' : key);
  }
  const all = [...places];
  const page = all.slice(0, limit);
  const more = all.length > limit;
  return xml(
    'ListBucketResult',
    tag('IsTruncated', more) +
      (more ? tag('NextContinuationToken', page.at(-1)?.[0] ?? '') : '') +
      page
        .map(([place, key]) => {
          const object = store.objects.get(key);
          if (key === '' || object === undefined) return tag('CommonPrefixes', tag('Prefix', place));
          return tag(
            'Contents',
            tag('Key', key) +
              tag('Size', object.content.length) +
              tag('ETag', object.etag) +
              tag('LastModified', object.modifiedAt.toISOString()),
          );
        })
        .join(''),
  );
}

const xml = (root: string, inner: string): S3Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>${tag(root, inner, false)}`,
});

/** @param content text is escaped unless it holds elements */
function tag(
  name: string,
  content: string | number | boolean,
  leaf = !String(content).startsWith('<'),
): string {
  const text = leaf ? escapeText(String(content)) : String(content);
  return `<${name}>${text}</${name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeText = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c] ?? c);
