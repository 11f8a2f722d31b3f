/**
 * Handlers that declare `isolate` run in child processes (P3). Processes and not threads: a native crash or a run out
 * of memory costs one attempt and not the sockets, SIGKILL stops anything, and the memory goes back to the system.
 *
 * Workers start when first needed, are used again, and are replaced when they have grown or grown old; idle ones end.
 */
import { availableParallelism } from "node:os";
import { WorkerDied, isStreamerError, type Clock, type IsolatedRun, type Isolation, type Log } from "@streamer/core";
import { findConfinement, type Confined, type WorkerLimits } from "./isolation/confinement.ts";
import { createForks, type Wanted } from "./isolation/forks.ts";
import { ADVICE, isWholeProgram, refuseInWorker } from "./isolation/whole-program.ts";
import { startWorker, WorkerHeld, type WorkerProcess } from "./isolation/worker-process.ts";

export { findConfinement, refuseInWorker, type Confined, type WorkerLimits };

export interface IsolationOptions {
  /** Isolated runs at the same time. Default: one per CPU core. */
  readonly slots: number;
  /** A worker that is still running this long after its run was aborted is killed. Default 2,000 ms. */
  readonly graceMs: number;
  /** A worker is replaced after this many runs. Default 1,000. */
  readonly runsPerWorker: number;
  /** A worker that uses more memory than this after a run is replaced. Default 512 MiB. */
  readonly maxRssBytes: number;
  /** How long an idle worker is kept. Default 60,000 ms. */
  readonly idleMs: number;
  /** Environment variables for workers, in addition to PATH, HOME, TMPDIR, TZ, the locale and NODE_OPTIONS. Default: none. */
  readonly env: Readonly<Record<string, string>>;
  /** Command-line options of Node for workers, such as `--max-old-space-size=512`. Those of the server are not inherited. Default: none. */
  readonly execArgv: readonly string[];
  /** What a worker may have of the machine; `false` puts nothing on it. See the defaults there. */
  readonly limits: Partial<WorkerLimits> | false;
}
const DEFAULTS: IsolationOptions = {
  slots: availableParallelism(),
  graceMs: 2_000,
  runsPerWorker: 1_000,
  maxRssBytes: 512 * 1_048_576,
  idleMs: 60_000,
  env: {},
  execArgv: [],
  limits: {},
};

export interface ProcessIsolation extends Isolation {
  /** What is put on worker processes, and what cannot be. */
  readonly confined: readonly Confined[];
  close(): Promise<void>;
}

export interface IsolationParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Largest result, partial or checkpoint of a handler, in characters of JSON. Checked in the worker. */
  readonly valueLength: number;
}

export function createIsolation({ clock, log, valueLength }: IsolationParts, options: Partial<IsolationOptions> = {}): ProcessIsolation {
  const { slots, graceMs, runsPerWorker, maxRssBytes, idleMs, env, execArgv, limits } = { ...DEFAULTS, ...options };
  const confinement = limits === false ? undefined : findConfinement(limits);
  const workers = new Set<WorkerProcess>();
  /** Idle workers, each with a function that cancels its timeout. Ordered by when they were last used. */
  const idle = new Map<WorkerProcess, () => void>();
  const waiting: (() => void)[] = [];
  let used = 0;
  const forks = createForks({
    clock,
    log,
    start: ({ network }) => {
      const worker = startWorker({ clock, log, graceMs, env, execArgv, confinement, network, valueLength });
      workers.add(worker);
      return worker;
    },
  });

  const retire = async (worker: WorkerProcess): Promise<void> => {
    idle.get(worker)?.();
    idle.delete(worker);
    await worker.end();
    workers.delete(worker);
  };

  const takeWorker = async (wanted: Wanted, signal: AbortSignal): Promise<WorkerProcess> => {
    for (const worker of Array.from(idle.keys()).toReversed()) {
      if (worker.network !== wanted.network) continue;
      idle.get(worker)!();
      idle.delete(worker);
      if (worker.isUsable) return worker;
      void retire(worker);
    }
    // Of the other kind: not kept beside the one that takes its slot.
    const [oldest] = idle.keys();
    if (oldest && workers.size >= slots) void retire(oldest);
    return forks.next(wanted, signal);
  };

  /** Whatever failed: the first cause is most likely that. Said once for each handler. */
  const explained = new Set<string>();
  const explain = ({ action, module }: IsolatedRun): void => {
    if (explained.has(action) || !isWholeProgram(module)) return;
    explained.add(action);
    log.error({ action, module }, `the module of a handler is the program itself, and its run failed in a worker process. ${ADVICE}`);
  };

  /** Reports to `forks` whether the worker survived: after a death the next start is delayed. */
  const runOn = async (worker: WorkerProcess, run: IsolatedRun): Promise<unknown> => {
    try {
      const result = await worker.run(run);
      forks.worked();
      return result;
    } catch (error) {
      const isDead = error instanceof WorkerDied || (isStreamerError(error) && worker.isGone);
      if (isDead) forks.died();
      else forks.worked();
      explain(run);
      throw error;
    }
  };

  const giveBack = (worker: WorkerProcess): void => {
    const isTired = confinement !== undefined && worker.cpuSeconds > confinement.limits.cpuSeconds / 2;
    const isSpent = !worker.isUsable || worker.runs >= runsPerWorker || worker.rssBytes > maxRssBytes || isTired;
    if (isSpent) void retire(worker);
    else
      idle.set(
        worker,
        clock.after(idleMs, () => void retire(worker)),
      );
  };

  /** Runs that were not claimed for a slot, such as requests answered at once, wait here for one. */
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

  /** Runs on the next free worker. A worker that is blocked by what an earlier run left behind is replaced. */
  const runOnNext = async (run: IsolatedRun): Promise<unknown> => {
    for (;;) {
      const worker = await takeWorker({ action: run.action, network: run.network ?? true }, run.ctx.signal);
      let isHeld = false;
      try {
        run.ctx.signal.throwIfAborted();
        return await runOn(worker, run);
      } catch (error) {
        isHeld = error instanceof WorkerHeld;
        if (!isHeld) throw error;
        log.warn(
          { action: run.action, request_id: run.ctx.request.id },
          "a worker process was blocked by what an earlier run left behind; it is replaced",
        );
      } finally {
        if (isHeld) void retire(worker);
        else giveBack(worker);
      }
    }
  };

  return {
    slots,
    confined: confinement?.told ?? [],
    run: async (run: IsolatedRun) => {
      run.ctx.signal.throwIfAborted();
      await takeSlot(run.ctx.signal);
      try {
        return await runOnNext(run);
      } finally {
        freeSlot();
      }
    },
    close: async () => {
      await Promise.all(Array.from(workers, retire));
    },
  };
}
