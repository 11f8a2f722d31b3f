/**
 * Faults: errors that no author wrote. A user is told that there was one, and by which id the log explains it; never what a
 * system said, which names files, hosts and lines of code (P12). Pure.
 */
import { isFatal, isNotYet, isRetryAfter, isStopped, isStreamerError, StreamerError, WorkerDied } from "../errors.ts";
import { systemCodeOf } from "../thrown.ts";

/** What the machine has run out of for now: descriptors, room on the disk, memory. Others give some back. */
const RESOURCES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ENOMEM"]);
const AFTER_MS = 5_000;

/** Whether its message is all there is to know, and for the user: a handler's author wrote it, or this program for a user. */
export function isForUser(error: unknown): boolean {
  if (isStreamerError(error)) return error.cause === undefined || !(error.code === "STORAGE_ERROR" || error.code === "SERVICE_UNAVAILABLE");
  return (
    isFatal(error) ||
    isRetryAfter(error) ||
    isNotYet(error) ||
    isStopped(error) ||
    error instanceof WorkerDied ||
    systemCodeOf(error) === undefined
  );
}

/** What is told of a fault. `id` names it in the log. */
export function asFault(error: unknown, id: string, requestId: string): StreamerError {
  const about = { requestId, details: { error_id: id } };
  // What it says is for users already; its cause is for the log.
  if (isStreamerError(error)) {
    const { code, message, details, afterMs } = error;
    return new StreamerError(code, message, {
      ...about,
      details: { ...details, ...about.details },
      ...(afterMs !== undefined && { afterMs }),
    });
  }
  const code = systemCodeOf(error);
  if (code !== undefined && RESOURCES.has(code)) {
    const message = `The server lacks something that "${requestId}" needs, for now (error ${id} in its log). Try again later.`;
    return new StreamerError("SERVICE_UNAVAILABLE", message, { ...about, afterMs: AFTER_MS });
  }
  return new StreamerError("INTERNAL_ERROR", `The server failed on "${requestId}"; its log says why, by error ${id}. Try again.`, about);
}
