import { type Digest, parseDigest } from './digest.ts';
import { RegistryError } from './errors.ts';

declare const brand: unique symbol;

/** A tag, `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`. */
export type Tag = string & { readonly [brand]: 'Tag' };

/** What stands behind `/manifests/`. */
export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest };

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isTag(text: string): text is Tag {
  return TAG.test(text);
}

/** @throws RegistryError TAG_INVALID */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new RegistryError('TAG_INVALID', {
    message:
      'a tag has 1 to 128 letters, digits, underscores, full stops and hyphens, and does not begin with the last two',
    detail: { tag: text.slice(0, 200) },
  });
}

/**
 * A colon makes it a digest: no tag has one.
 * @throws RegistryError DIGEST_INVALID, TAG_INVALID
 */
export function parseReference(text: string): Reference {
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) };
  return { kind: 'tag', tag: parseTag(text) };
}

/** As it stands in a URL. */
export function formatReference(reference: Reference): string {
  return reference.kind === 'tag' ? reference.tag : reference.digest;
}
