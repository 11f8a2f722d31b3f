/**
 * A module that a handler names by `isolate` is loaded in worker processes, all of it. When it is the program itself it
 * starts everything again there: a server, on a port that is taken. Told by what it is, not by what failed first.
 */
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { StreamerError } from "@streamer/core";

const MARK = Symbol.for("streamer.worker");

export const ADVICE =
  "Keep the handler in a module of its own, or start the server under `if (import.meta.main)`: the module that `isolate` names is loaded in worker processes, all of it";

/** Called by the program of a worker process. */
export function markWorker(): void {
  (globalThis as Record<symbol, unknown>)[MARK] = true;
}

/** Throws VALIDATION_ERROR in a worker process: the one it was started by serves already. */
export function refuseInWorker(): void {
  if ((globalThis as Record<symbol, unknown>)[MARK] !== true) return;
  throw new StreamerError("VALIDATION_ERROR", `A worker process was about to start a server of its own. ${ADVICE}.`);
}

/** Whether it is the program that this process was started with. */
export function isWholeProgram(module: string, program = process.argv[1]): boolean {
  if (program === undefined) return false;
  try {
    return pathToFileURL(realpathSync(program)).href === module;
  } catch {
    return false;
  }
}
