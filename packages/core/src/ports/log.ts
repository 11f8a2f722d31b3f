import type { JsonValue } from "@streamer/protocol";

/** Structured log; `fields` are searchable, the message is for people. Payloads are never logged. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
export type LogFields = Readonly<Record<string, JsonValue | Error | undefined>>;
