/**
 * Starting worker processes, one at a time and never in a storm: a fork holds the event loop for some 20 ms (thirty at
 * once held it for 600), and workers that die as soon as they start would otherwise be replaced for ever at full speed.
 */
import { asError, type Clock, type Log } from "@streamer/core";
import { couldNotStart, type WorkerProcess } from "./worker-process.ts";

export interface Forks {
  /** The next worker. Rejects when it cannot be started, or the run that wants it is to stop. */
  next(wanted: Wanted, signal: AbortSignal): Promise<WorkerProcess>;
  /** A worker ended without an answer. */
  died(): void;
  /** A worker gave an answer. */
  worked(): void;
}

export interface Wanted {
  readonly action: string;
  readonly network: boolean;
}

interface ForksParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly start: (wanted: Wanted) => WorkerProcess;
}

/** Before the next start after a death; doubled for each further one without an answer in between. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

export function createForks({ clock, log, start }: ForksParts): Forks {
  let turn: Promise<unknown> = Promise.resolve();
  let deaths = 0;
  let startsAt = 0;

  const pause = async (signal: AbortSignal): Promise<void> => {
    const ms = startsAt - clock.monotonic();
    if (ms <= 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = clock.after(ms, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    callOff();
  };

  const died = (): void => {
    deaths += 1;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 1));
    startsAt = clock.monotonic() + pauseMs;
    if (deaths > 1) log.warn({ deaths, pause_ms: pauseMs }, "worker processes keep dying; the next one is started after a pause");
  };

  return {
    died,
    worked: () => {
      deaths = 0;
      startsAt = 0;
    },
    next: (wanted, signal) => {
      const started = turn.then(async () => {
        await pause(signal);
        signal.throwIfAborted();
        // Lets the sockets in between.
        await new Promise((resolve) => setImmediate(resolve));
        try {
          return start(wanted);
        } catch (error) {
          died();
          throw couldNotStart(wanted.action, `failed (${asError(error).message})`);
        }
      });
      turn = started.catch(() => {});
      return started;
    },
  };
}
