/** Where the storage says what an operator should look at; a pino logger fits. */
export interface StorageLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}
