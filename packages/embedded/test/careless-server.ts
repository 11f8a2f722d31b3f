/** A server whose handlers are careless, in a process of its own: what they do there would end the tests' process. */
import { setTimeout as sleep } from "node:timers/promises";
import { defineHandler, type HandlerContext } from "@streamer/core";
import { z } from "zod";
import { startServer } from "../src/server/server.ts";

const input = z.object({});
const hold = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

type Run = (ctx: HandlerContext) => Promise<unknown>;
const careless: Readonly<Record<string, Run>> = {
  ok: async () => {
    await sleep(300);
    return "fine";
  },
  stray: async () => {
    await sleep(5);
    void Promise.resolve().then(() => {
      throw new Error("nobody awaits this");
    });
    return "done";
  },
  timer: async () => {
    await sleep(5);
    setTimeout(() => {
      throw new Error("nobody can catch this");
    }, 5);
    return "done";
  },
  unawaited: async (ctx) => {
    void ctx.partial("rows", "x".repeat(2_000_000));
    await sleep(50);
    return "done";
  },
  waits: async () => {
    await sleep(5);
    hold(1_000);
    return "done";
  },
  spins: async () => {
    await sleep(5);
    const endsAt = performance.now() + 1_000;
    while (performance.now() < endsAt);
    return "done";
  },
};

const server = await startServer({
  handlers: Object.entries(careless).map(([action, run]) => defineHandler({ action, input, estimate: 60_000, run: (_, ctx) => run(ctx) })),
  dataFolder: process.argv[2]!,
  logLevel: "warn",
  heldLoopMs: 400,
});
process.on("message", () => {
  // Of no handler, as the program around the server might throw it.
  setTimeout(() => {
    throw new Error("the program's own");
  });
});
console.log(JSON.stringify({ url: server.url, token: await server.developmentToken({ userId: "ann" }) }));
