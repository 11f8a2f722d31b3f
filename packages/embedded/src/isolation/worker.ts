/**
 * The program of a worker process: runs one handler at a time and passes what it does to the parent. It ends when the
 * parent does, leaves signals to it (Ctrl-C reaches the whole process group, but stopping gracefully is the parent's
 * decision), and runs at a lower priority than the process that holds the sockets.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { assertStorable, asError, describeError, Fatal, isStreamerError, restoreError, type AnyHandler, type Log } from "@streamer/core";
import { createWorkerContext, type WorkerContext } from "./worker-context.ts";
import { markWorker } from "./whole-program.ts";
import type { Answer, FromWorker, ToWorker } from "./worker-messages.ts";

interface Running {
  readonly context: WorkerContext;
  readonly requestId: string;
  readonly action: string;
  /** Ends the run with an error that its handler did not throw itself. */
  readonly fail: (error: unknown) => void;
}

const BELOW_NORMAL = 10;

// A handler that spoke on the channel would be taken for this program.
const send = process.send!.bind(process);
delete process.send;
delete (process as Partial<NodeJS.Process>).disconnect;

markWorker();

const runs = new AsyncLocalStorage<Running>();
let current: Running | undefined;

process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("unhandledRejection", strayed);
process.on("uncaughtException", strayed);
process.on("message", (message: ToWorker) => {
  if (message.type === "run") void run(message);
  else if (current?.context.run !== message.run) return;
  else if (message.type === "abort") current.context.abort(restoreError(message.reason));
  else if (message.type === "heard") current.context.heard(message.weight);
  else current.context.reply(message.call, message.answer);
});
setPriority(BELOW_NORMAL);
new Worker(new URL("watchdog.ts", import.meta.url), {
  workerData: { parentPid: Number(process.argv[2]) },
  // Else V8 maps 512 MB for its code alone, and a run's memory is limited by what is mapped.
  resourceLimits: { codeRangeSizeMb: 8, maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
}).unref();
post({ type: "ready" });

async function run(terms: Extract<ToWorker, { type: "run" }>): Promise<void> {
  const { action, request } = terms;
  post({ type: "began", run: terms.run });
  const context = createWorkerContext(terms, post);
  const failed = Promise.withResolvers<Answer>();
  let isSpent = false;
  const running: Running = {
    context,
    action,
    requestId: request.id,
    fail: (error) => {
      isSpent = true;
      failed.resolve({ ok: false, error: describeError(error) });
      // What is left of it should stop: this process ends soon.
      context.abort(asError(error));
    },
  };
  current = running;
  const answer = await Promise.race([runs.run(running, answerOf, terms, context), failed.promise]);
  await context.end();
  current = undefined;
  post({ type: "ended", run: context.run, answer, isSpent, rssBytes: process.memoryUsage.rss(), cpuSeconds: cpuSeconds() });
}

async function answerOf(
  { module, action, input, valueLength }: Extract<ToWorker, { type: "run" }>,
  { ctx }: WorkerContext,
): Promise<Answer> {
  try {
    const handler = await findHandler(module, action, ctx.log);
    const result: unknown = await handler.run(input, ctx);
    return result === undefined ? { ok: true } : { ok: true, json: checked(result, valueLength) };
  } catch (error) {
    return { ok: false, error: describeError(error) };
  }
}

/** A result that cannot be stored would be the same at the next attempt. */
function checked(result: unknown, valueLength: number): string {
  try {
    return assertStorable(result, "Result", valueLength);
  } catch (error) {
    throw new Fatal(asError(error).message, { cause: error });
  }
}

/** An error that nobody caught fails the run it belongs to, with its own message; without a run it is only told. */
function strayed(error: unknown): void {
  const owner = runs.getStore() ?? current;
  if (owner && owner === current) owner.fail(error);
  else post({ type: "stray", requestId: owner?.requestId ?? "", action: owner?.action ?? "", error: describeError(error) });
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

function post(message: FromWorker): void {
  // A parent that is gone cannot be told; "disconnect" ends this process.
  send(message, undefined, undefined, () => {});
}

/** Where the module is, and what is wrong with it, is for the log. */
async function findHandler(module: string, action: string, log: Log): Promise<AnyHandler> {
  const exported = Object.values(await load(module, action, log)).flat();
  const found = exported.find((value) => typeof value === "object" && value !== null && (value as Partial<AnyHandler>).action === action);
  if (!found) {
    log.error({ module }, `the module exports no handler "${action}": export it, alone or in an array, from the one its \`isolate\` names`);
    throw new Fatal(`The module of "${action}" exports no such handler; the server's log says which it is. Once it does, send "retry".`);
  }
  return found as AnyHandler;
}

async function load(module: string, action: string, log: Log): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(module)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    // It says itself what to do.
    if (isStreamerError(error)) throw new Fatal(error.message, { code: error.code, cause: error });
    log.error({ module, err: asError(error) }, "the module of a handler does not load in a worker process");
    throw new Fatal(`The module of "${action}" does not load in a worker process; the server's log says why. Once it does, send "retry".`);
  }
}
