import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The fenced blocks of a document of this repository in one language, as a reader would copy them. */
export function snippetsOf(document: string, language: string): readonly string[] {
  const blocks = documentText(document).matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return [...blocks].filter(([, name]) => name === language).map(([, , text = '']) => text);
}

/** The one that holds a text by which it is told from the others. */
export function snippetOf(document: string, language: string, holding: string): string {
  const found = snippetsOf(document, language).filter((text) => text.includes(holding));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`${document} has ${found.length} ${language} blocks that hold ${holding}`);
  }
  return only;
}

/** A file of this repository. */
export function documentText(document: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${document}`, import.meta.url)), 'utf8');
}

/** Puts a server in the place of the one that documents name. */
export function atHost(snippet: string, host: string): string {
  return snippet.replaceAll('HOST:5000', host);
}
