/**
 * Errors that nobody caught: a promise a handler left behind, an exception in one of its timers. One handler's mistake
 * must not end the server and everybody's requests with it, so the process goes on, and the log says whose it was.
 *
 * An exception that belongs to no run is none of ours: it ends the process, unless whoever runs the server listens for
 * `uncaughtException` (as `streamer serve` does, to stop gracefully). All servers of a process share these listeners.
 */
import { asError, type Log } from "@streamer/core";
import { currentRun } from "./inline-runs.ts";

const logs = new Set<Log>();

/** Logs errors that nobody caught. Returns a function that stops it. */
export function logStrays(log: Log): () => void {
  if (logs.size === 0) {
    process.on("unhandledRejection", onRejection);
    process.on("uncaughtException", onException);
  }
  logs.add(log);
  return () => {
    logs.delete(log);
    if (logs.size > 0) return;
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
  };
}

function onRejection(reason: unknown): void {
  logError(reason, "unhandled promise rejection; the server continues");
}

function onException(error: unknown): void {
  if (currentRun()) {
    logError(error, "uncaught exception of a handler, such as in a timer; the server continues");
    return;
  }
  logError(error, "uncaught exception that belongs to no handler");
  if (process.listenerCount("uncaughtException") > 1) return;
  // As if we had not listened: Node prints it and ends the process.
  process.off("uncaughtException", onException);
  process.nextTick(() => {
    throw error;
  });
}

function logError(error: unknown, message: string): void {
  const run = currentRun();
  const err = asError(error);
  if (run) run.log.error({ err, action: run.action, request_id: run.id }, message);
  // Each server may be the one it concerns.
  else for (const log of logs) log.error({ err }, message);
}
