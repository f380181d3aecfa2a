import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * A fenced block of a document of this repository, as a reader would copy it.
 * @param holding a text by which it is told from the others of its language
 */
export function snippetOf(document: string, language: string, holding: string): string {
  const blocks = documentText(document).matchAll(/^```(\w+)\n(.*?)^```$/gms);
  const found = [...blocks].filter(([, name, text]) => name === language && text?.includes(holding));
  const [only] = found;
  if (only?.[2] === undefined || found.length > 1) {
    throw new Error(`${document} has ${found.length} ${language} blocks that hold ${holding}`);
  }
  return only[2];
}

/** A file of this repository. */
export function documentText(document: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${document}`, import.meta.url)), 'utf8');
}

/** Puts a server in the place of the one that documents name. */
export function atHost(snippet: string, host: string): string {
  return snippet.replaceAll('HOST:5000', host);
}
