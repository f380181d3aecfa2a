import type { AccessNeed } from '../oci/access.ts';

/** One resource of a scope string: `type[(class)]:name:action[,action]`, distribution's token scope grammar. */
export interface Scope {
  readonly type: string;
  readonly class: string | undefined;
  readonly name: string;
  readonly actions: readonly string[];
}

const TYPE = /^([a-z0-9]+)(?:\(([a-z0-9]+)\))?$/;
const ACTION = /^(?:[a-z]+|\*)$/;

/** Of one request; a client asks for two or three, and a token must fit into a header. */
const MAX_SCOPES = 32;
const MAX_SCOPE_LENGTH = 4096;

/**
 * @param parameters the `scope` fields of a request, each with one or more scopes joined by spaces
 * @returns what can be understood of them; undefined when they are too many or too long
 */
export function parseScopes(parameters: readonly string[]): readonly Scope[] | undefined {
  if (parameters.reduce((sum, text) => sum + text.length, 0) > MAX_SCOPE_LENGTH) return undefined;
  const texts = parameters.flatMap((text) => text.split(' ')).filter((text) => text !== '');
  if (texts.length > MAX_SCOPES) return undefined;
  return texts.map(parseScope).filter((scope) => scope !== undefined);
}

/** A name may hold a colon (host:port): the last one stands before the actions. */
function parseScope(text: string): Scope | undefined {
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  const type = TYPE.exec(text.slice(0, Math.max(first, 0)));
  const actions = text.slice(last + 1).split(',');
  if (type === null || last <= first || !actions.every((action) => ACTION.test(action))) return undefined;
  return {
    type: type[1] ?? '',
    class: type[2],
    name: text.slice(first + 1, last),
    actions: [...new Set(actions)],
  };
}

export function formatScope({ type, name, actions }: Pick<Scope, 'type' | 'name' | 'actions'>): string {
  return `${type}:${name}:${actions.join(',')}`;
}

/** What a client has to ask a token for, in one `scope` parameter. */
export function scopeOfNeeds(needs: readonly AccessNeed[]): string {
  return needs.map(({ type, asked, actions }) => formatScope({ type, name: asked, actions })).join(' ');
}
