import { pino } from "pino";
import type { Log } from "@streamer/core";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Writes JSON lines to stderr; stdout is left to the program that starts the server. */
export function createLog(level: LogLevel): Log {
  const logger = pino({ level }, pino.destination(2));
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
