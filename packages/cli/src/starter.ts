/**
 * npm and npx start a command in a shell between it and them. A SIGTERM to npm ends that shell, which passes nothing on,
 * and then npm: the command would be left behind, and hold its data folder. So a command that was started that way looks
 * who its parent is, and is told when that has gone. (In a script, `exec streamer serve` leaves no shell between.)
 */
import type { Shell } from "./shell.ts";

/** A look is one system call. */
const LOOK_EVERY_MS = 250;

/** Set by npm, npx and those who do as they do, for what they start. */
export const isStartedByNpm = (env: Shell["env"]): boolean => env["npm_lifecycle_event"] !== undefined || env["npm_command"] !== undefined;

/** Calls `handle` once the parent of this process has gone, if npm or npx started it. Returns how to stop. */
export function onStarterGone(handle: () => void): () => void {
  const starter = process.ppid;
  if (!isStartedByNpm(process.env)) return () => {};
  const looking = setInterval(() => {
    if (process.ppid === starter) return;
    clearInterval(looking);
    handle();
  }, LOOK_EVERY_MS);
  looking.unref();
  return () => clearInterval(looking);
}
