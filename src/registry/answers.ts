import { ClientGoneError } from '../operations/request-body.ts';
import type { RegistryContext } from './registry-api.ts';

/** An answer without content: Koa would turn an empty body into a 204 or give it a type. */
export function answerEmpty(ctx: RegistryContext, status: 201 | 202 | 204 | 304 | 307): void {
  ctx.body = null;
  ctx.status = status;
}

/** JSON under exactly this media type: Koa would add a charset, and some clients compare the whole header. */
export function answerJson(ctx: RegistryContext, value: unknown, mediaType = 'application/json'): void {
  const content = Buffer.from(JSON.stringify(value));
  ctx.status = 200;
  ctx.set('Content-Type', mediaType);
  ctx.set('Content-Length', String(content.length));
  if (ctx.method !== 'HEAD') ctx.body = content;
}

/** A path of this server, as the client has to write it. */
export function locationOf(ctx: RegistryContext, options: { path: string; relative: boolean }): string {
  const path = `${ctx.state.urlPrefix}${options.path}`;
  return options.relative ? path : `${ctx.state.caller.origin}${path}`;
}

/** RFC 9110 section 13.1.2: whether `If-None-Match` names this entity tag, or any. */
export function matchesEntityTag(header: string | undefined, etag: string): boolean {
  if (header === undefined || header === '') return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}

/** One query parameter; the first where there are several. */
export function queryValue(ctx: RegistryContext, name: string): string | undefined {
  return queryValues(ctx, name)[0];
}

/** All values of one query parameter. `ctx.query` would take a second for some ten thousand parameters. */
export function queryValues(ctx: RegistryContext, name: string): readonly string[] {
  const { querystring } = ctx;
  return querystring === '' ? [] : new URLSearchParams(querystring).getAll(name);
}

/** Aborted, by a ClientGoneError, when the client's connection ends before the answer does. */
export function clientSignal(ctx: RegistryContext): AbortSignal {
  const controller = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) controller.abort(new ClientGoneError('the client went away'));
  });
  return controller.signal;
}
