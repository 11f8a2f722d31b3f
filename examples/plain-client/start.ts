/** `npm start -w @streamer/example-plain-client`: a server with a handler, and the client that asks it, in a process of its own. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { defineHandler } from "@streamer/core";
import { startServer } from "@streamer/embedded";
import { z } from "zod";

const sumSquares = defineHandler({
  action: "sum_squares",
  input: z.object({ to: z.int().min(1).max(1e9) }),
  estimate: 60_000, // long enough to be acknowledged first, and to be told of
  async run({ to }, ctx) {
    let sum = 0n;
    for (let n = 1; n <= to; n += 1) {
      sum += BigInt(n) ** 2n;
      if (n % 100_000 > 0) continue;
      ctx.report((100 * n) / to, `up to ${n}`);
      await setImmediate();
      ctx.signal.throwIfAborted();
    }
    return { sum: String(sum) };
  },
});

const dataFolder = await mkdtemp(join(tmpdir(), "streamer-plain-client-"));
const server = await startServer({ handlers: [sumSquares], dataFolder, logLevel: "warn" });
const token = await server.developmentToken({ userId: "me" });
const payload = JSON.stringify({ to: 5_000_000 });
const client = fork(join(import.meta.dirname, "client.js"), [server.url, token, sumSquares.action, payload]);
[process.exitCode] = (await once(client, "exit")) as [number];
await server.stop();
await rm(dataFolder, { recursive: true });
