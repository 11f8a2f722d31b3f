/** Handlers the tests of the server and of isolation run: each does one thing that can go right or wrong. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineHandler, Fatal, RetryAfter, StreamerError } from "@streamer/core";
import { z } from "zod";

const anything = z.record(z.string(), z.json());

export const greet = defineHandler({
  action: "greet",
  input: z.object({ name: z.string() }),
  estimate: 1,
  run: ({ name }) => ({ greeting: `Hello, ${name}` }),
});

/** Inline: reports, then waits for a gate the test opens, or for its signal. */
export const gates = new Map<string, () => void>();
export const hold = defineHandler({
  action: "hold",
  input: z.object({ gate: z.string() }),
  estimate: 60_000,
  run: async ({ gate }, ctx) => {
    ctx.report(10, "holding");
    await new Promise<void>((resolve, reject) => {
      gates.set(gate, resolve);
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
    });
    return { gate };
  },
});

const isolate = import.meta.url;
const isolated = (action: string) => ({ action, input: anything, isolate, estimate: 60_000 }) as const;

export const isolatedHandlers = [
  defineHandler({
    ...isolated("work.report"),
    run: async (input, ctx) => {
      ctx.setMetadata("source", "worker");
      ctx.report(25, "first", { stage: "one" });
      ctx.log.info({ step: 1 }, "working");
      await ctx.partial("rows", [1, 2]);
      await ctx.checkpoint({ at: 50 });
      ctx.report(75, "second");
      const put = await ctx.blobs.put("a.txt", "from the worker");
      const path = join(await ctx.scratch(), "b.txt");
      await writeFile(path, "a file");
      const file = await ctx.blobs.putFile("b.txt", path, { contentType: "text/plain" });
      return { input, put, file, pid: process.pid, request: ctx.request, resumed: ctx.resumed ?? null };
    },
  }),
  defineHandler({
    ...isolated("work.read"),
    run: async (_, ctx) => {
      const opened = await ctx.blobs.open("model.json", { requestId: "r0" });
      const none = await ctx.blobs.open("none");
      await ctx.blobs.removeAll("stage-");
      return { text: await new Response(opened!.body).text(), sizeBytes: opened!.sizeBytes, type: opened!.contentType, none: none ?? null };
    },
  }),
  defineHandler({ ...isolated("work.die"), run: () => void process.kill(process.pid, "SIGKILL") }),
  defineHandler({ ...isolated("work.exit"), run: () => process.exit(7) }),
  defineHandler({
    ...isolated("work.throw"),
    run: ({ kind }) => {
      if (kind === "fatal") throw new Fatal("no use", { code: "VALIDATION_ERROR", details: { column: "b" } });
      if (kind === "retry") throw new RetryAfter(1_234);
      if (kind === "streamer") throw new StreamerError("FORBIDDEN", "not you");
      throw new RangeError("out of range");
    },
  }),
  defineHandler({
    ...isolated("work.wait"),
    run: async (_, ctx) => {
      ctx.report(1, "waiting");
      await new Promise((_resolve, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
      });
    },
  }),
  defineHandler({
    ...isolated("work.ignore"),
    run: (_, ctx) => {
      ctx.report(1, "deaf");
      // Deaf on purpose: nothing but a kill ends this.
      for (;;);
    },
  }),
  defineHandler({
    ...isolated("work.chatter"),
    run: async (_, ctx) => {
      for (let at = 1; at <= 20_000; at += 1) ctx.report(at / 200, `step ${at}`, { [`m${at % 3}`]: at });
      return process.memoryUsage.rss();
    },
  }),
  defineHandler({
    ...isolated("work.circular"),
    run: () => {
      const itself: Record<string, unknown> = {};
      return Object.assign(itself, { itself });
    },
  }),
  defineHandler({
    ...isolated("work.env"),
    run: () => ({ secret: process.env["STREAMER_TEST_SECRET"] ?? null, given: process.env["GIVEN"] ?? null }),
  }),
];
