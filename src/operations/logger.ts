export type LogFields = Readonly<Record<string, unknown>>;

/** Fields first, then a message that is the same words every time; an error goes under `err`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}
