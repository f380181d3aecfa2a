import type { FlatLister } from '../capabilities.ts';
import type { Caller } from './caller.ts';
import { listPage } from './listing.ts';

export function createFlatLister(caller: Caller): FlatLister {
  return {
    async listFlat(prefix, { after, limit, signal } = {}) {
      const { objects, next } = await listPage(caller, { prefix, after, limit, signal });
      return { keys: objects.map(({ key }) => key), more: next !== undefined };
    },
  };
}
