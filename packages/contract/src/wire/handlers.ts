/** What a server under wire.ts has to serve: small handlers, each for one thing that can be seen on the wire. */
import { defineHandler, Fatal, type AnyHandler } from "@streamer/core";
import { anything } from "../flow/pipeline.ts";

/** Long enough to be queued. */
const LONG_MS = 60_000;

export const STRICT_INPUT = { type: "object", properties: { start_date: { type: "string", format: "date" } } };

/** Refuses everything, with two issues; what it would take, it can say. */
const impossible = {
  "~standard": {
    version: 1,
    vendor: "streamer-contract",
    validate: () => ({
      issues: [
        { message: "is not a date", path: ["start_date"] },
        { message: "is unknown", path: ["filters", 0, "name"] },
      ],
    }),
    jsonSchema: { input: () => STRICT_INPUT, output: () => STRICT_INPUT },
  },
} as const;

export const PARTS = 40;

export const wireHandlers: readonly AnyHandler[] = [
  defineHandler({ action: "contract.echo", input: anything, estimate: 0, run: (input) => input }),
  defineHandler({
    action: "contract.story",
    input: anything,
    estimate: LONG_MS,
    run: async (_, ctx) => {
      for (let n = 0; n < PARTS; n += 1) {
        ctx.report((100 * n) / PARTS, `part ${n}`, { n });
        await ctx.partial("rows", n);
      }
      return { parts: PARTS, attempt: ctx.request.attempt };
    },
  }),
  defineHandler({
    action: "contract.chatter",
    input: anything,
    estimate: LONG_MS,
    run: (_, ctx) => {
      for (let n = 1; n <= 50; n += 1) ctx.report(2 * n, `update ${n}`);
    },
  }),
  defineHandler({
    action: "contract.wait",
    input: anything,
    estimate: LONG_MS,
    run: (_, ctx) => {
      ctx.report(1, "waiting");
      return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
    },
  }),
  defineHandler({
    action: "contract.flaky",
    input: anything,
    estimate: LONG_MS,
    retry: { maxAttempts: 5, baseMs: 2, capMs: 2 },
    run: (_, ctx) => {
      if (ctx.request.attempt < 3) throw new Error(`attempt ${ctx.request.attempt} failed`);
      return { attempt: ctx.request.attempt };
    },
  }),
  defineHandler({
    action: "contract.broken",
    input: anything,
    estimate: LONG_MS,
    run: () => {
      throw new Fatal("nothing can mend this");
    },
  }),
  defineHandler({
    action: "contract.strict",
    description: "Takes nothing.",
    input: impossible,
    estimate: 0,
    timeoutMs: 9_000,
    run: () => 0,
  }),
];
