/**
 * One worker process as the parent sees it: it runs one handler at a time, answers its calls from the handler's real
 * context, and is killed when it does not stop in time.
 *
 *   idle ──run──> busy ──ended──> idle
 *                  │ exit (WorkerDied), or killed after an ignored abort (rejects with the abort's reason)
 *                  v
 *                gone
 */
import { fork, type ChildProcess } from "node:child_process";
import {
  asError,
  describeError,
  Fatal,
  restoreError,
  StreamerError,
  WorkerDied,
  type Clock,
  type HandlerContext,
  type IsolatedRun,
  type Log,
  type LogFields,
} from "@streamer/core";
import type { Confinement } from "./confinement.ts";
import { workerCalls } from "./worker-calls.ts";
import type { Answer, FromWorker, LogLine, Reply, ToWorker } from "./worker-messages.ts";

export interface WorkerProcess {
  readonly network: boolean;
  /** Number of runs it was given. */
  readonly runs: number;
  /** Memory in use after its last run. */
  readonly rssBytes: number;
  /** Time on processors so far, as of its last run. */
  readonly cpuSeconds: number;
  /** The process is running, and nothing of an earlier run is still active in it. */
  readonly isUsable: boolean;
  readonly isGone: boolean;
  run(run: IsolatedRun): Promise<unknown>;
  /** Ends the process: an idle one exits by itself, a busy or unresponsive one is killed. Resolves when it has exited. */
  end(): Promise<void>;
}

export interface WorkerTerms {
  readonly clock: Clock;
  readonly log: Log;
  /** From an abort to the kill. */
  readonly graceMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execArgv: readonly string[];
  readonly confinement: Confinement | undefined;
  readonly network: boolean;
  /** Largest result, partial or checkpoint, in characters of JSON. */
  readonly valueLength: number;
}

interface Busy extends IsolatedRun {
  readonly began: () => void;
  readonly settle: (answer: Answer | { readonly ok: false; readonly thrown: Error }) => void;
}

/** What programs need to find their way; secrets of the server's environment are not among it. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "NODE_OPTIONS"];
/** What a worker has said is confirmed so often; until then it says no more than its room allows. */
const HEARD_EVERY_MS = 10;

export function startWorker({ clock, log, graceMs, env, execArgv, confinement, network, valueLength }: WorkerTerms): WorkerProcess {
  const [program, ...before] = [...(confinement?.commandFor(network) ?? []), process.execPath];
  const child: ChildProcess = fork(new URL("worker.ts", import.meta.url), [String(process.pid)], {
    serialization: "advanced",
    execPath: program,
    execArgv: [...before, "--disable-warning=ExperimentalWarning", ...execArgv],
    env: { ...Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])), ...env },
    // Whatever a handler prints goes to stderr: stdout belongs to whoever started the server.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const exited = Promise.withResolvers<string>();
  const disconnected = Promise.withResolvers<void>();
  let runs = 0;
  let rssBytes = 0;
  let cpuSeconds = 0;
  let state: "starting" | "usable" | "spent" | "gone" = "starting";
  let heard = 0;
  let busy: Busy | undefined;

  const tell = (message: ToWorker): void => {
    // A child that has just died says so by "close".
    if (child.connected) child.send(message, () => {});
  };

  const hear = (weight: number): void => {
    if (heard === 0) {
      clock.after(HEARD_EVERY_MS, () => {
        if (heard > 0) tell({ type: "heard", run: runs, weight: heard });
        heard = 0;
      });
    }
    heard += weight;
  };

  const answerCall = async (ctx: HandlerContext, { run, call, name, args }: Extract<FromWorker, { type: "call" }>): Promise<void> => {
    let answer: Reply;
    try {
      const parsed = JSON.parse(args) as readonly unknown[];
      answer = { ok: true, value: await (workerCalls(ctx)[name] as (...all: readonly unknown[]) => Promise<unknown>)(...parsed) };
    } catch (error) {
      answer = { ok: false, error: describeError(error) };
    }
    tell({ type: "reply", run, call, answer });
  };

  child.on("message", (message: FromWorker) => {
    if (message.type === "ready") {
      state = "usable";
      return;
    }
    if (message.type === "stray") {
      state = "spent";
      const { action, requestId, error } = message;
      log.error({ err: restoreError(error), action, request_id: requestId }, "a handler left an error behind that nobody caught");
      return;
    }
    if (!busy || message.run !== runs) return;
    const { ctx, settle } = busy;
    switch (message.type) {
      case "began":
        return busy.began();
      case "progress": {
        const { shared = {}, update } = message;
        hear(message.weight);
        for (const [key, value] of Object.entries(shared)) ctx.setMetadata(key, value!);
        if (update) ctx.report(...update);
        return;
      }
      case "log":
        hear(message.weight);
        return ctx.log[message.level](fieldsOf(message), message.message);
      case "call":
        return void answerCall(ctx, message);
      case "ended":
        ({ rssBytes, cpuSeconds } = message);
        if (message.isSpent) state = "spent";
        return settle(message.answer);
    }
  });
  child.on("disconnect", disconnected.resolve);
  let endedBy: NodeJS.Signals | null = null;
  child.on("exit", (code, signal) => {
    endedBy = signal;
    exited.resolve(signal ? `was killed by ${signal}` : `exited with code ${code}`);
  });
  child.on("error", (error) => {
    // It never started: no other event will follow.
    if (child.pid !== undefined) return;
    exited.resolve(`could not be started (${error.message})`);
    disconnected.resolve();
  });
  // Both: what it said last may be read after its exit is known.
  const watchEnd = async (): Promise<void> => {
    const [how] = await Promise.all([exited.promise, disconnected.promise]);
    const hasStarted = state !== "starting";
    state = "gone";
    busy?.settle({
      ok: false,
      thrown: hasStarted ? ended(busy.action, { how, signal: endedBy, confinement }) : couldNotStart(busy.action, how),
    });
  };
  const gone = watchEnd();

  return {
    get runs() {
      return runs;
    },
    network,
    get rssBytes() {
      return rssBytes;
    },
    get cpuSeconds() {
      return cpuSeconds;
    },
    get isUsable() {
      return state === "starting" || state === "usable";
    },
    get isGone() {
      return state === "gone";
    },
    run: async (run) => {
      const { module, action, input, ctx } = run;
      runs += 1;
      heard = 0;
      const number = runs;
      const { promise, resolve } = Promise.withResolvers<Parameters<Busy["settle"]>[0]>();
      // A used worker that does not accept the run in time is blocked by what an earlier run left behind.
      const began = state === "usable" ? clock.after(graceMs, () => resolve({ ok: false, thrown: new WorkerHeld(action) })) : () => {};
      busy = { ...run, settle: resolve, began };
      let callOffKill = (): void => {};
      let isKilled = false;
      const stop = (): void => {
        tell({ type: "abort", run: number, reason: describeError(ctx.signal.reason) });
        callOffKill = clock.after(graceMs, () => {
          isKilled = true;
          child.kill("SIGKILL");
        });
      };
      try {
        begin({ type: "run", run: number, module, action, input, request: ctx.request, resumed: ctx.resumed, valueLength });
        ctx.signal.addEventListener("abort", stop, { once: true });
        if (ctx.signal.aborted) stop();
        const answer = await promise;
        if (answer.ok) return answer.json === undefined ? undefined : (JSON.parse(answer.json) as unknown);
        // Killed for not stopping is stopped, and no crash.
        if (isKilled) throw asError(ctx.signal.reason);
        throw "thrown" in answer ? answer.thrown : restoreError(answer.error);
      } finally {
        began();
        callOffKill();
        ctx.signal.removeEventListener("abort", stop);
        busy = undefined;
      }
    },
    end: () => {
      if (busy) child.kill("SIGKILL");
      else if (child.connected) child.disconnect();
      // What an earlier run left behind may keep it from noticing.
      const callOff = clock.after(graceMs, () => child.kill("SIGKILL"));
      return gone.finally(callOff);
    },
  };

  function begin(message: Extract<ToWorker, { type: "run" }>): void {
    // Without descriptors for its pipes there is no child at all: "error" says why, in a moment.
    if (child.pid === undefined) return;
    try {
      child.send(message, () => {});
    } catch (error) {
      throw new Fatal(`The input of "${message.action}" cannot be sent to its worker process: ${asError(error).message}`, { cause: error });
    }
  }
}

/** The worker never took the run: another one can. */
export class WorkerHeld extends Error {
  constructor(action: string) {
    super(`A worker process did not take its run of "${action}": it is blocked by what an earlier run left behind.`);
    this.name = "WorkerHeld";
  }
}

interface HowItEnded {
  readonly how: string;
  readonly signal: NodeJS.Signals | null;
  readonly confinement: Confinement | undefined;
}

/** One that has reached a limit is told as that: it would be no other at the next attempt. */
function ended(action: string, { how, signal, confinement }: HowItEnded): Error {
  const [limited] = confinement?.told ?? [];
  if (!confinement || limited?.state !== "ok" || signal === null) return diedRunning(action, how);
  const { memoryBytes, cpuSeconds, fileBytes } = confinement.limits;
  if (signal === "SIGXFSZ") return atLimit(action, `one file (fileBytes, ${fileBytes} bytes)`);
  if (signal === "SIGXCPU") return atLimit(action, `CPU time (cpuSeconds, ${cpuSeconds} s)`);
  // V8 and C++ end the process so when the system gives them no memory.
  if (signal === "SIGABRT" || signal === "SIGTRAP") return atLimit(action, `memory (memoryBytes, ${memoryBytes} bytes), or ${how}`);
  return diedRunning(action, how);
}

const atLimit = (action: string, what: string): StreamerError =>
  new StreamerError(
    "PROCESSING_FAILED",
    `The worker process running "${action}" has reached its limit of ${what}. Ask for less at once, or have the server give its workers more.`,
  );

const diedRunning = (action: string, how: string): Error =>
  new WorkerDied(`The worker process running "${action}" ${how} without an answer.`);

const START_AGAIN_MS = 5_000;
const LOOK_AT =
  "look at stderr, the memory, the limits of processes and of open files, and the options of workers (NODE_OPTIONS, execArgv)";

/** No fault of the handler, nor a crash of it: tried again later like any failure that may pass. */
export const couldNotStart = (action: string, how: string): StreamerError =>
  new StreamerError("SERVICE_UNAVAILABLE", `No worker process could be started for "${action}", for now. Try again later.`, {
    afterMs: START_AGAIN_MS,
    cause: new Error(`A worker process ${how}; ${LOOK_AT}.`),
  });

function fieldsOf({ fields, errors = {} }: LogLine): LogFields {
  return { ...fields, ...Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, restoreError(error)])) };
}
