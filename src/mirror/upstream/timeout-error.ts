/** The server did not go on within the time it has. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}
