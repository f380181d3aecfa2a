/** Whether Node's file system refused for one of these reasons (`ENOENT`, …). */
export function isFileError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
