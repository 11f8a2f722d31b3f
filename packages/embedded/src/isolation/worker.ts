/**
 * The program of a worker process: runs one handler at a time and passes what it does to the parent. It ends when the
 * parent does, leaves signals to it (Ctrl-C reaches the whole process group, but stopping gracefully is the parent's
 * decision), and gives way to the process that holds the sockets.
 */
import { setPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { describeError, Fatal, restoreError, type AnyHandler } from "@streamer/core";
import { createWorkerContext, type WorkerContext } from "./worker-context.ts";
import type { Answer, FromWorker, ToWorker } from "./worker-messages.ts";

const BELOW_NORMAL = 10;

let current: WorkerContext | undefined;

process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("message", (message: ToWorker) => {
  if (message.type === "run") void run(message);
  else if (current?.run !== message.run) return;
  else if (message.type === "abort") current.abort(restoreError(message.reason));
  else current.reply(message.call, message.answer);
});
setPriority(BELOW_NORMAL);
new Worker(new URL("watchdog.ts", import.meta.url), { workerData: { parentPid: Number(process.argv[2]) } }).unref();

async function run({ run: number, module, action, input, request, resumed }: Extract<ToWorker, { type: "run" }>): Promise<void> {
  const context = createWorkerContext(number, { request, resumed }, post);
  current = context;
  let answer: Answer;
  try {
    const handler = await findHandler(module, action);
    answer = { ok: true, value: await handler.run(input, context.ctx) };
  } catch (error) {
    answer = { ok: false, error: describeError(error) };
  }
  context.end();
  const ended = { type: "ended", run: number, rssBytes: process.memoryUsage.rss() } as const;
  try {
    post({ ...ended, answer });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const problem = new Fatal(`The result of "${action}" cannot leave its worker process: ${reason}`);
    post({ ...ended, answer: { ok: false, error: describeError(problem) } });
  }
}

/** False when the channel is congested; `onSent` says when this message has left. */
function post(message: FromWorker, onSent?: () => void): boolean {
  // A parent that is gone cannot be told; "disconnect" ends this process.
  return process.send!(message, undefined, undefined, () => onSent?.());
}

async function findHandler(module: string, action: string): Promise<AnyHandler> {
  const exported = Object.values((await import(module)) as Readonly<Record<string, unknown>>).flat();
  const found = exported.find((value) => typeof value === "object" && value !== null && (value as Partial<AnyHandler>).action === action);
  if (!found)
    throw new Fatal(`${module} exports no handler "${action}": export it, alone or in an array, from the module its \`isolate\` names.`);
  return found as AnyHandler;
}
