/** What the server of the browser tests can do. */
import { z } from "zod";
import { defineHandler } from "@streamer/core";
import { createGate } from "./gate.ts";

export const gate = createGate();

/** Says 30 lines, 10 each time it is let through. */
const lines = defineHandler({
  action: "lines",
  input: z.object({}),
  estimate: 60_000,
  async run(_, ctx) {
    for (let line = 0; line < 30; line += 1) {
      if (line % 10 === 0) await gate.pass(ctx.signal);
      await ctx.partial("lines", line);
      ctx.report(((line + 1) * 100) / 30);
    }
    return { lines: 30 };
  },
});

/** Says it in bursts of 50. */
const flood = defineHandler({
  action: "flood",
  input: z.object({ updates: z.int() }),
  estimate: 60_000,
  async run({ updates }, ctx) {
    await gate.pass(ctx.signal);
    for (let update = 0; update < updates; update += 50) {
      ctx.report((100 * update) / updates, undefined, { stage: `stage ${update}` });
      await Promise.all(Array.from({ length: 50 }, (_, index) => ctx.partial("updates", update + index)));
    }
  },
});

export const NUMBERS = 1_500;

/** Says numbers, without a stop. */
const count = defineHandler({
  action: "count",
  input: z.object({}),
  estimate: 60_000,
  async run(_, ctx) {
    for (let number = 0; number < NUMBERS; number += 1) await ctx.partial("numbers", number);
    return { numbers: NUMBERS };
  },
});

/** The handler of docs/guides/react.md. */
const resize = defineHandler({
  action: "resize_images",
  input: z.object({ album: z.string(), width: z.number() }),
  estimate: 60_000,
  async run({ album, width }, ctx) {
    ctx.report(50, "half of it");
    await gate.pass(ctx.signal);
    return { url: `/${album}/${width}` };
  },
});

export const handlers = [lines, flood, count, resize] as const;
