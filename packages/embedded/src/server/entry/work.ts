/**
 * What makes the flow claim work: something became runnable, a slot is free, a wakeup rang. However many of these come
 * in one turn of the event loop, there is one call, and never two at a time.
 */
import { asError, type Clock, type Log, type Streamer } from "@streamer/core";

export interface Pump {
  nudge(): void;
  stop(): void;
}

/** After a claim that failed, most likely for want of disk. */
const RETRY_MS = 1_000;

export function createPump({ clock, log, work }: { readonly clock: Clock; readonly log: Log; readonly work: Streamer["work"] }): Pump {
  let isWanted = false;
  let isGoing = false;
  let isStopped = false;

  const pump = async (): Promise<void> => {
    isGoing = true;
    try {
      while (isWanted && !isStopped) {
        isWanted = false;
        // What it claims runs on by itself; the slots it frees call back.
        await work();
      }
    } catch (error) {
      log.error({ err: asError(error) }, "work could not be claimed; trying again in a second");
      clock.after(RETRY_MS, nudge);
    } finally {
      isGoing = false;
    }
  };

  const nudge = (): void => {
    if (isWanted || isStopped) return;
    isWanted = true;
    if (!isGoing) process.nextTick(() => void pump());
  };

  return {
    nudge,
    stop: () => {
      isStopped = true;
    },
  };
}
