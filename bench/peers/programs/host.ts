/** A process of a peer: a front and a queue, or its worker alone. Its settings are the first argument, as JSON. */
import { randomUUID } from "node:crypto";
import { flushCompileCache } from "node:module";
import type { Asker, HostSettings, OnJob, Submit, Told } from "./parts.ts";

const settings = JSON.parse(process.argv[2]!) as HostSettings;
const askers = new Map<string, Asker>();

function ended(jobId: string): Asker | undefined {
  const asker = askers.get(jobId);
  askers.delete(jobId);
  return asker;
}
const told: Told = {
  progress: (jobId, update) => askers.get(jobId)?.progress(update),
  result: (jobId, value) => ended(jobId)?.result(value),
  failed: (jobId, message) => ended(jobId)?.failed(message),
};

async function openQueue(): Promise<Submit> {
  if (settings.queue === "bullmq") return (await import("./queues/bullmq.ts")).openBullmq(settings, told);
  if (settings.queue === "graphile") return (await import("./queues/graphile.ts")).openGraphile(settings, told);
  return (await import("./queues/floor.ts")).openFloor(settings, told);
}

async function serve(): Promise<void> {
  const submit = await openQueue();
  const onJob: OnJob = async (asker, kind, data) => {
    const jobId = randomUUID();
    askers.set(jobId, asker);
    await submit({ jobId, kind, data });
    return jobId;
  };
  const { startFront } = await (settings.front === "ws" ? import("./fronts/ws.ts") : import("./fronts/socketio.ts"));
  await startFront({ port: settings.port, isCorked: settings.isCorked ?? false, onJob });
}

if (settings.role === "worker") await (await import("./queues/bullmq.ts")).startBullmqWorker(settings);
else await serve();
process.on("SIGTERM", () => process.exit());
console.log("READY");
flushCompileCache();
