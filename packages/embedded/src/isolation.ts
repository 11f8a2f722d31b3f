/**
 * Handlers that declare `isolate` run in child processes (P3). Processes and not threads: a native crash or a run out
 * of memory costs one attempt and not the sockets, SIGKILL stops anything, and the memory goes back to the system.
 *
 * Workers start when first needed, are used again, and are replaced when they have grown or grown old; idle ones end.
 */
import { availableParallelism } from "node:os";
import type { Clock, IsolatedRun, Isolation } from "@streamer/core";
import { startWorker, type WorkerProcess } from "./isolation/worker-process.ts";

export interface IsolationOptions {
  /** Runs at once. Default: one per core. */
  readonly slots: number;
  /** From an abort to the kill of a worker that does not stop. Default 2,000 ms. */
  readonly graceMs: number;
  /** Runs after which a worker is replaced. Default 1,000. */
  readonly runsPerWorker: number;
  /** Memory above which a worker is replaced after its run. Default 512 MiB. */
  readonly maxRssBytes: number;
  /** How long an idle worker is kept. Default 60,000 ms. */
  readonly idleMs: number;
  /** Environment for workers, beside PATH, HOME, TMPDIR and locale. Default none. */
  readonly env: Readonly<Record<string, string>>;
}
const DEFAULTS: IsolationOptions = {
  slots: availableParallelism(),
  graceMs: 2_000,
  runsPerWorker: 1_000,
  maxRssBytes: 512 * 1_048_576,
  idleMs: 60_000,
  env: {},
};

export interface ProcessIsolation extends Isolation {
  close(): Promise<void>;
}

export function createIsolation(clock: Clock, options: Partial<IsolationOptions> = {}): ProcessIsolation {
  const { slots, graceMs, runsPerWorker, maxRssBytes, idleMs, env } = { ...DEFAULTS, ...options };
  const workers = new Set<WorkerProcess>();
  /** Each with what calls off its end. The last in was used last. */
  const idle = new Map<WorkerProcess, () => void>();
  const waiting: (() => void)[] = [];
  let used = 0;
  let lastFork: Promise<unknown> = Promise.resolve();

  const retire = async (worker: WorkerProcess): Promise<void> => {
    idle.get(worker)?.();
    idle.delete(worker);
    await worker.end();
    workers.delete(worker);
  };

  /** A fork holds the event loop for some 20 ms: thirty at once held it for 600. One a turn lets the sockets in between. */
  const forkInTurn = (): Promise<WorkerProcess> => {
    const forked = lastFork.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      const worker = startWorker({ clock, graceMs, env });
      workers.add(worker);
      return worker;
    });
    lastFork = forked.catch(() => {});
    return forked;
  };

  const takeWorker = async (): Promise<WorkerProcess> => {
    for (const worker of Array.from(idle.keys()).toReversed()) {
      idle.get(worker)!();
      idle.delete(worker);
      if (worker.isAlive) return worker;
      workers.delete(worker);
    }
    return forkInTurn();
  };

  const giveBack = (worker: WorkerProcess): void => {
    const isSpent = !worker.isAlive || worker.runs >= runsPerWorker || worker.rssBytes > maxRssBytes;
    if (isSpent) void retire(worker);
    else
      idle.set(
        worker,
        clock.after(idleMs, () => void retire(worker)),
      );
  };

  /** Sync runs take no lane: those beyond the slots wait here. */
  const takeSlot = async (signal: AbortSignal): Promise<void> => {
    if (used < slots) {
      used += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      const place = waiting.indexOf(resolve);
      // No longer in line: the slot was just handed over.
      if (place === -1) return;
      waiting.splice(place, 1);
      reject(signal.reason);
    };
    waiting.push(resolve);
    signal.addEventListener("abort", leave, { once: true });
    await promise;
    signal.removeEventListener("abort", leave);
  };

  const freeSlot = (): void => {
    const next = waiting.shift();
    // The slot goes to the next in line without being free in between.
    if (next) next();
    else used -= 1;
  };

  return {
    slots,
    run: async (run: IsolatedRun) => {
      run.ctx.signal.throwIfAborted();
      await takeSlot(run.ctx.signal);
      try {
        const worker = await takeWorker();
        try {
          run.ctx.signal.throwIfAborted();
          return await worker.run(run);
        } finally {
          giveBack(worker);
        }
      } finally {
        freeSlot();
      }
    },
    close: async () => {
      await Promise.all(Array.from(workers, retire));
    },
  };
}
