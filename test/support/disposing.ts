import { afterEach } from 'vitest';

/** @returns what keeps things for the test at hand: they are disposed when it ends, the last first */
export function disposing(): <Resource extends AsyncDisposable>(resource: Resource) => Resource {
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });
  return (resource) => {
    open.push(resource);
    return resource;
  };
}
