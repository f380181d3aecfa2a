/**
 * The payload that a signed schema 1 manifest's digest is of: what stood before the signatures were put in, as
 * libtrust's `formatLength` and `formatTail` tell.
 * @returns undefined when it is not signed, or not in that way
 */
export function signedPayload(content: Buffer): Buffer | undefined {
  const signature = firstSignature(content);
  if (signature === undefined) return undefined;
  const header = parseObject(Buffer.from(signature, 'base64url').toString('utf8'));
  const length = header?.formatLength;
  const tail = header?.formatTail;
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || typeof tail !== 'string')
    return undefined;
  if (length < 0 || length > content.length) return undefined;
  return Buffer.concat([content.subarray(0, length), Buffer.from(tail, 'base64url')]);
}

function firstSignature(content: Buffer): string | undefined {
  const signatures = parseObject(content.toString('utf8'))?.signatures;
  const first: unknown = Array.isArray(signatures) ? signatures[0] : undefined;
  if (typeof first !== 'object' || first === null || !('protected' in first)) return undefined;
  return typeof first.protected === 'string' ? first.protected : undefined;
}

/** @returns undefined for anything but a JSON object */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.fromEntries(Object.entries(value));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
