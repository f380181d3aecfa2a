import { randomBytes } from 'node:crypto';

/** @returns what gives names that nobody else, on any host, ever gives: lower-case letters, digits, `-` */
export function uniqueNames(): () => string {
  // Random once, then counted: a draw for each name shows in the profile of small pushes.
  const prefix = randomBytes(8).toString('hex');
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}
