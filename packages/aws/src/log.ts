/** JSON lines on stdout, which CloudWatch Logs takes as they are. Payloads are never logged. */
import type { Log, LogFields } from "@streamer/core";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];
export const isLogLevel = (value: unknown): value is LogLevel => LEVELS.includes(value as LogLevel);

export function createLog(lowest: LogLevel, write: (line: string) => void): Log {
  const printable = (fields: LogFields): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        value instanceof Error ? { type: value.name, message: value.message, stack: value.stack } : value,
      ]),
    );
  const at = (level: LogLevel): Log[LogLevel] =>
    LEVELS.indexOf(level) < LEVELS.indexOf(lowest)
      ? () => {}
      : (fields, message) => write(`${JSON.stringify({ level, time: new Date().toISOString(), message, ...printable(fields) })}\n`);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
