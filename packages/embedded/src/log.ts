import { pino } from "pino";
import type { Log } from "@streamer/core";
import { visibleJson } from "@streamer/protocol/visible";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Writes JSON lines to stderr; stdout is left to the program that starts the server. */
export function createLog(level: LogLevel): Log {
  const stderr = pino.destination(2);
  // Ids and messages are anybody's, and people read logs in terminals.
  const logger = pino({ level }, { write: (line) => void stderr.write(visibleJson(line)) });
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
