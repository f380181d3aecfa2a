import type { Report } from '../problems.ts';
import type { Settings } from '../schema/schema.ts';
import type { ValidationConfig } from '../types/validation.ts';

export function resolveValidation(validation: Settings['validation'], report: Report): ValidationConfig {
  const { urls, indexes } = validation.manifests;
  const at = report.at('manifests');
  if (indexes.platforms !== 'list' && indexes.platformlist.length > 0) {
    at.at('indexes').at('platformlist').warning('counts only where platforms is list');
  }
  return {
    disabled: validation.disabled && !validation.enabled,
    urls: {
      allow: compile(urls.allow, at.at('urls').at('allow')),
      deny: compile(urls.deny, at.at('urls').at('deny')),
    },
    indexes: {
      platforms: indexes.platforms,
      platformList: indexes.platformlist.map(({ os = '', architecture = '' }) => ({ os, architecture })),
    },
  };
}

function compile(expressions: readonly string[], report: Report): RegExp[] {
  return expressions.flatMap((expression, index) => {
    try {
      return [new RegExp(fromGo(expression), 'u')];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      report.at(index).problem(error.message);
      return [];
    }
  });
}

/** What of Go's syntax (RE2) JavaScript writes otherwise. */
function fromGo(expression: string): string {
  return expression
    .replace(/^\(\?([ims]+)\)(.*)$/s, '(?$1:$2)')
    .replaceAll('(?P<', '(?<')
    .replace(/^\\A/, '^')
    .replace(/\\z$/, '$');
}
