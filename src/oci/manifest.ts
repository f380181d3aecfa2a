import { type Digest, parseDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isIndexMediaType,
  isManifestMediaType,
  isMediaType,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from './media-types.ts';
import { parseStrictJson } from './strict-json.ts';

/** A content descriptor, image specification "OCI Content Descriptors". */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Where else the content may be had; a layer with `urls` need not be here. */
  readonly urls?: readonly string[];
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** What this registry needs to know of a manifest. Its bytes are kept as they came. */
export interface Manifest {
  /** As it is given back in Content-Type. */
  readonly mediaType: string;
  /** The config of an image manifest. */
  readonly config: Descriptor | undefined;
  /** Layers of an image manifest, blobs of an artifact manifest. */
  readonly layers: readonly Descriptor[];
  /** What an index lists. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one refers to; it may be missing. */
  readonly subject: Descriptor | undefined;
  /** Its own, else of an image manifest the config's media type: specification "Listing Referrers". */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/**
 * Understands what the registry has to: references, subject, and what referrers lists show.
 * @param contentType as the client sent it, parameters and all; undefined for content read from the storage
 * @throws RegistryError MANIFEST_INVALID, DIGEST_INVALID
 */
export function parseManifest(content: Uint8Array, contentType?: string): Manifest {
  const fields = parseObject(content);
  const mediaType = manifestMediaType(fields, essence(contentType));
  const config = optionalDescriptor(fields, 'config');
  return {
    mediaType,
    config,
    layers: [...descriptors(fields, 'layers'), ...descriptors(fields, 'blobs')],
    manifests: descriptors(fields, 'manifests'),
    subject: optionalDescriptor(fields, 'subject'),
    artifactType: artifactTypeOf(fields, config),
    annotations: annotationsOf(fields),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function invalid(message: string, cause?: unknown): RegistryError {
  return new RegistryError('MANIFEST_INVALID', { message: `manifest invalid: ${message}`, cause });
}

function parseObject(content: Uint8Array): Fields {
  let value: unknown;
  try {
    value = parseStrictJson(content);
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(`it is not JSON: ${error.message.slice(0, 200)}`, error);
    throw error;
  }
  if (!isObject(value)) throw invalid('it is not a JSON object');
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A media type without its parameters, lower-cased. */
export function essence(contentType: string | undefined): string | undefined {
  const bare = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return bare === undefined || bare === '' ? undefined : bare;
}

const SAYS_NOTHING: ReadonlySet<string> = new Set([
  'application/json',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'text/plain',
]);

function manifestMediaType(fields: Fields, sent: string | undefined): string {
  const own = fields.mediaType;
  if (own !== undefined && (typeof own !== 'string' || (own !== '' && !isMediaType(own)))) {
    throw invalid('mediaType is not a media type');
  }
  refuseSchema1(fields, own, sent);
  if (fields.schemaVersion !== 2) throw invalid('schemaVersion is not 2');
  if (Array.isArray(fields.manifests) && (Array.isArray(fields.layers) || fields.config !== undefined)) {
    throw invalid('it has both manifests and config or layers: it is an index or an image, not both');
  }
  const claimed = sent === undefined || SAYS_NOTHING.has(sent) ? undefined : sent;
  if (own !== undefined && own !== '') {
    if (claimed !== undefined && claimed !== own.toLowerCase()) {
      throw invalid(`its mediaType is ${own}, but Content-Type says ${claimed}`);
    }
    refuseWrongShape(fields, own);
    return own;
  }
  const guessed = Array.isArray(fields.manifests) ? OCI_IMAGE_INDEX : OCI_IMAGE_MANIFEST;
  if (claimed !== undefined && claimed !== guessed) {
    throw invalid(`it has no mediaType and looks like ${guessed}, but Content-Type says ${claimed}`);
  }
  refuseWrongShape(fields, guessed);
  return guessed;
}

function refuseSchema1(fields: Fields, own: string | undefined, sent: string | undefined): void {
  const types: readonly (string | undefined)[] = [DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED];
  if (fields.schemaVersion === 1 || types.includes(own) || types.includes(sent)) {
    throw invalid(
      'Docker schema 1 is not supported: it was given up by Docker in 2019 and its content is not addressed by its ' +
        'own digest. Build or push the image again with a current client',
    );
  }
}

function refuseWrongShape(fields: Fields, mediaType: string): void {
  if (isIndexMediaType(mediaType)) {
    if (!Array.isArray(fields.manifests)) throw invalid(`a ${mediaType} needs manifests`);
  } else if (mediaType === OCI_IMAGE_MANIFEST || mediaType === DOCKER_MANIFEST) {
    if (!isObject(fields.config)) throw invalid(`a ${mediaType} needs a config`);
    if (!Array.isArray(fields.layers)) throw invalid(`a ${mediaType} needs layers`);
  }
}

function optionalDescriptor(fields: Fields, name: string): Descriptor | undefined {
  const value = fields[name];
  return value === undefined || value === null ? undefined : descriptor(value, name);
}

function descriptors(fields: Fields, name: string): Descriptor[] {
  const value = fields[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  return value.map((entry, index) => descriptor(entry, `${name}[${index}]`));
}

function descriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw invalid(`${where} is not a descriptor`);
  const { mediaType, digest, size, urls, platform } = value;
  if (typeof mediaType !== 'string') throw invalid(`${where} has no mediaType`);
  if (typeof digest !== 'string') throw invalid(`${where} has no digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`the size of ${where} is not a number of bytes`);
  }
  return {
    mediaType,
    digest: parseDigest(digest),
    size,
    ...(Array.isArray(urls) && urls.length > 0 ? { urls: urls.map(textOf) } : {}),
    ...(isObject(platform)
      ? { platform: { os: textOf(platform.os), architecture: textOf(platform.architecture) } }
      : {}),
  };
}

/** Not `String`: that calls what the client named `toString`. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function artifactTypeOf(fields: Fields, config: Descriptor | undefined): string | undefined {
  const own = fields.artifactType;
  if (own !== undefined && typeof own !== 'string') throw invalid('artifactType is not a string');
  return own === undefined || own === '' ? config?.mediaType : own;
}

function annotationsOf(fields: Fields): Readonly<Record<string, string>> | undefined {
  const value = fields.annotations;
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalid('annotations is not an object');
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw invalid(`the annotation ${JSON.stringify(name)} is not a string`);
  }
  return value as Readonly<Record<string, string>>;
}

/** Whether a descriptor in an index leads to a manifest, as far as its media type tells. */
export function leadsToManifest(entry: Descriptor): boolean {
  return isManifestMediaType(entry.mediaType) || entry.mediaType === DOCKER_MANIFEST_LIST;
}
