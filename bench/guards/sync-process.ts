/**
 * What sync requests cost Streamer and the floor, in one process and by turns: a burst to the one, a burst to the other.
 * Started by sync-cost.ts, which hears one answer.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { GCProfiler } from "node:v8";
import { attach, createLog } from "@streamer/embedded";
import { echo } from "@streamer/handlers";
import { UNLIMITED } from "../admission.ts";
import { startFloor } from "../floor/server.ts";
import { createPipe, frameOf, type Pipe } from "./pipe.ts";

/** Of one burst. What a collection took away is not in its bytes. */
export interface Burst {
  readonly cpuUs: number;
  readonly bytes: number;
  readonly collections: number;
}
export interface Bursts {
  readonly streamer: readonly Burst[];
  readonly floor: readonly Burst[];
}

const CONNECTIONS = 10;
const TOGETHER = 50;
const WARM_UP = 60;
const MEASURED = 100;
const TEXT = "x".repeat(64);

let id = 0;
/** Requests of one connection, as they would arrive by one read. */
function requests(): Buffer {
  const frames = Array.from({ length: TOGETHER }, () => {
    id += 1;
    return frameOf(JSON.stringify({ type: "request", id: `r${id}`, action: "echo", payload: { text: TEXT } }));
  });
  return Buffer.concat(frames);
}

type Say = () => Promise<void>;

/** Answers what sends a burst that is made already, and resolves when all of it is answered. */
async function openBursts(upgrade: (pipe: Pipe) => void, path: string): Promise<() => Say> {
  const pipes = Array.from({ length: CONNECTIONS }, () => createPipe(path));
  for (const pipe of pipes) upgrade(pipe);
  // Each is welcomed.
  let heard = 1;
  await Promise.all(pipes.map((pipe) => pipe.hears(1)));
  return () => {
    const said = pipes.map(requests);
    return async () => {
      heard += TOGETHER;
      for (const [n, pipe] of pipes.entries()) pipe.say(said[n]!);
      await Promise.all(pipes.map((pipe) => pipe.hears(heard)));
    };
  };
}

async function measure(say: Say): Promise<Burst> {
  // Without a kernel, nothing else lets the event loop turn.
  await setImmediate();
  // What the other left behind is not this one's.
  globalThis.gc?.({ type: "minor" });
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  const cpu = process.cpuUsage();
  await say();
  const { user, system } = process.cpuUsage(cpu);
  const bytes = process.memoryUsage().heapUsed - before;
  return { cpuUs: user + system, bytes, collections: profiler.stop().statistics.length };
}

const folder = await mkdtemp(join(tmpdir(), "streamer-guard-"));
const http = createServer();
const { admission, ...places } = UNLIMITED;
const streamer = await attach(http, {
  path: "/streamer",
  handlers: [echo],
  dataFolder: join(folder, "streamer"),
  log: createLog("error"),
  ...places,
  options: { admission },
});
const token = await streamer.developmentToken({ userId: "bench", tenantId: "bench" });
const floor = await startFloor(folder);
const servers = {
  streamer: await openBursts(({ request, stream }) => http.emit("upgrade", request, stream, Buffer.alloc(0)), `/streamer?token=${token}`),
  floor: await openBursts(floor.upgrade, "/"),
};

for (const burst of Object.values(servers)) for (let n = 0; n < WARM_UP; n += 1) await measure(burst());
const measured: { streamer: Burst[]; floor: Burst[] } = { streamer: [], floor: [] };
for (let n = 0; n < MEASURED; n += 1) {
  const said = { streamer: servers.streamer(), floor: servers.floor() };
  measured.streamer.push(await measure(said.streamer));
  measured.floor.push(await measure(said.floor));
}
process.send!(measured satisfies Bursts);
await floor.stop();
await streamer.stop();
await rm(folder, { recursive: true, force: true });
process.disconnect();
