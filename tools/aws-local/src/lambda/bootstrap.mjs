/**
 * Runs inside each instance, in the place of Lambda's runtime: imports the handler, is given one event at a time, answers.
 * Plain JavaScript, so that stripping types adds nothing to the cold start that is measured. The channel to the runner is
 * taken out of the handler's sight.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const send = process.send.bind(process);
const exit = process.exit.bind(process);
process.once("disconnect", () => exit(1));
const { LAMBDA_TASK_ROOT: root, _HANDLER: named } = process.env;

/** An error as Lambda reports it. */
const failure = (error) => {
  const known = error instanceof Error ? error : new Error(typeof error === "string" ? error : JSON.stringify(error));
  return { errorType: known.name, errorMessage: known.message, trace: (known.stack ?? "").split("\n") };
};

async function load() {
  const [file, ...path] = named.split(".");
  const found = [".mjs", ".js", ".cjs"].map((ending) => join(root, file + ending)).find((candidate) => existsSync(candidate));
  if (found === undefined) throw Object.assign(new Error(`Cannot find module '${file}'`), { name: "Runtime.ImportModuleError" });
  let handler = await import(pathToFileURL(found).href);
  for (const step of path) handler = handler?.[step] ?? handler?.default?.[step];
  if (typeof handler !== "function") {
    throw Object.assign(new Error(`${named} is undefined or not exported`), { name: "Runtime.HandlerNotFound" });
  }
  return handler;
}

async function answer(handler, { id, event, deadline, arn }) {
  const { env } = process;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: id,
    invokedFunctionArn: arn,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  try {
    const result = await handler(JSON.parse(event), context);
    return { ok: true, payload: JSON.stringify(result) ?? "null" };
  } catch (error) {
    return { ok: false, payload: JSON.stringify(failure(error)) };
  }
}

try {
  const handler = await load();
  process.on("message", (message) => {
    void answer(handler, message).then((outcome) => send({ type: "answer", id: message.id, ...outcome }));
  });
  send({ type: "ready" });
} catch (error) {
  send({ type: "failed", payload: JSON.stringify(failure(error)) }, () => exit(1));
}
