/**
 * A thread of the worker process that ends it when the parent is gone: a handler that never yields would not notice,
 * and would compete with its own retry for the machine.
 */
import { workerData } from "node:worker_threads";

const CHECK_EVERY_MS = 500;

const { parentPid } = workerData as { readonly parentPid: number };
setInterval(() => {
  if (process.ppid !== parentPid) process.kill(process.pid, "SIGKILL");
}, CHECK_EVERY_MS);
