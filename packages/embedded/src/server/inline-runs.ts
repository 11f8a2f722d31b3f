/**
 * Which run the code of this process works for: whatever an inline handler begins carries its run along, also after an
 * await and into timers. So an error that nobody caught and a held event loop are told by name.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Engine, Log } from "@streamer/core";

export interface InlineRun {
  readonly id: string;
  readonly action: string;
  /** Of the server that runs it: a process may hold several. */
  readonly log: Log;
}

const runs = new AsyncLocalStorage<InlineRun>();

/** The run that the calling code belongs to, if any. */
export const currentRun = (): InlineRun | undefined => runs.getStore();

export function aroundRuns(log: Log): NonNullable<Engine["around"]> {
  return ({ id, action }, work) => runs.run({ id, action, log }, work);
}
