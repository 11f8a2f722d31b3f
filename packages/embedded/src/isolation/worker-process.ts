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
import { asError, describeError, restoreError, WorkerDied, type Clock, type HandlerContext, type IsolatedRun } from "@streamer/core";
import { workerCalls } from "./worker-calls.ts";
import type { Answer, FromWorker, ToWorker } from "./worker-messages.ts";

export interface WorkerProcess {
  /** Runs it has begun. */
  readonly runs: number;
  /** Memory it held after its last run. */
  readonly rssBytes: number;
  readonly isAlive: boolean;
  run(run: IsolatedRun): Promise<unknown>;
  /** Lets an idle one end by itself; kills a busy one. Resolves when it is gone. */
  end(): Promise<void>;
}

export interface WorkerTerms {
  readonly clock: Clock;
  /** From an abort to the kill. */
  readonly graceMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Busy extends IsolatedRun {
  readonly settle: (answer: Answer | { readonly ok: false; readonly thrown: Error }) => void;
}

/** What programs need to find their way; secrets of the server's environment are not among it. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ"];

export function startWorker({ clock, graceMs, env }: WorkerTerms): WorkerProcess {
  const child: ChildProcess = fork(new URL("worker.ts", import.meta.url), [String(process.pid)], {
    serialization: "advanced",
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: { ...Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])), ...env },
    // Whatever a handler prints goes to stderr: stdout belongs to whoever started the server.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const exited = Promise.withResolvers<string>();
  const disconnected = Promise.withResolvers<void>();
  let runs = 0;
  let rssBytes = 0;
  let isAlive = true;
  let busy: Busy | undefined;

  const tell = (message: ToWorker): void => {
    // A child that has just died says so by "close".
    if (child.connected) child.send(message, () => {});
  };

  const answerCall = async (ctx: HandlerContext, { run, call, name, args }: Extract<FromWorker, { type: "call" }>): Promise<void> => {
    let answer: Answer;
    try {
      answer = { ok: true, value: await (workerCalls(ctx)[name] as (...all: readonly unknown[]) => Promise<unknown>)(...args) };
    } catch (error) {
      answer = { ok: false, error: describeError(error) };
    }
    tell({ type: "reply", run, call, answer });
  };

  child.on("message", (message: FromWorker) => {
    if (!busy || message.run !== runs) return;
    const { ctx, settle } = busy;
    switch (message.type) {
      case "report":
        return ctx.report(...message.update);
      case "metadata":
        return ctx.setMetadata(message.key, message.value);
      case "log":
        return ctx.log[message.level](message.fields, message.message);
      case "call":
        return void answerCall(ctx, message);
      case "ended":
        ({ rssBytes } = message);
        return settle(message.answer);
    }
  });
  child.on("disconnect", disconnected.resolve);
  child.on("exit", (code, signal) => exited.resolve(signal ? `was killed by ${signal}` : `exited with code ${code}`));
  child.on("error", (error) => {
    // It never started: no other event will follow.
    if (child.pid !== undefined) return;
    exited.resolve(`could not be started (${error.message}) and ended`);
    disconnected.resolve();
  });
  // Both: what it said last may be read after its exit is known.
  const watchEnd = async (): Promise<void> => {
    const [how] = await Promise.all([exited.promise, disconnected.promise]);
    isAlive = false;
    busy?.settle({ ok: false, thrown: new WorkerDied(`The worker process running "${busy.action}" ${how} without an answer.`) });
  };
  const gone = watchEnd();

  return {
    get runs() {
      return runs;
    },
    get rssBytes() {
      return rssBytes;
    },
    get isAlive() {
      return isAlive;
    },
    run: async (run) => {
      const { module, action, input, ctx } = run;
      runs += 1;
      const number = runs;
      const { promise, resolve } = Promise.withResolvers<Parameters<Busy["settle"]>[0]>();
      busy = { ...run, settle: resolve };
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
        child.send(
          { type: "run", run: number, module, action, input, request: ctx.request, resumed: ctx.resumed } satisfies ToWorker,
          () => {},
        );
        ctx.signal.addEventListener("abort", stop, { once: true });
        if (ctx.signal.aborted) stop();
        const answer = await promise;
        if (answer.ok) return answer.value;
        // Killed for not stopping is stopped, and no crash.
        if (isKilled) throw asError(ctx.signal.reason);
        throw "thrown" in answer ? answer.thrown : restoreError(answer.error);
      } finally {
        callOffKill();
        ctx.signal.removeEventListener("abort", stop);
        busy = undefined;
      }
    },
    end: () => {
      if (busy) child.kill("SIGKILL");
      else if (child.connected) child.disconnect();
      return gone;
    },
  };
}
