/** Work of the kinds whose state outlives a process: what a killed, paused or starved server is given to do. */
import { setTimeout as pass } from "node:timers/promises";
import { z } from "zod";
import { defineHandler, Fatal } from "@streamer/core";
import { chainOf, digestAfter, STEPS } from "./work.ts";

const input = z.object({ n: z.number() });
const saved = z.object({ step: z.number(), digest: z.string() });
const retry = { maxAttempts: 1_000, baseMs: 10, capMs: 40 };
const LONG_MS = 60_000;

/** Goes on from its checkpoint; each third fails its first attempt half way, and is tried again. */
const resumable = defineHandler({
  action: "torture.resumable",
  input,
  estimate: LONG_MS,
  retry,
  async run({ n }, ctx) {
    const resumed = saved.safeParse(ctx.resumed);
    let { step, digest } = resumed.success ? resumed.data : { step: 0, digest: String(n) };
    while (step < STEPS) {
      step += 1;
      digest = digestAfter(digest);
      ctx.report((100 * step) / STEPS, `step ${step}`);
      await ctx.partial("digests", digest);
      await ctx.checkpoint({ step, digest });
      if (n % 3 === 0 && step === 3) throw new Error("the third step failed, and is done all the same");
    }
    return { n, digest };
  },
});

/** Runs until it is cancelled. */
const endless = defineHandler({
  action: "torture.endless",
  input,
  estimate: LONG_MS,
  retry,
  async run(_, ctx) {
    for (let step = 0; !ctx.signal.aborted; step += 1) {
      await ctx.checkpoint({ step });
      await pass(5);
    }
    throw ctx.signal.reason;
  },
});

const LARGE_LENGTH = 200_000;
export const largeOf = (n: number, characters = LARGE_LENGTH): string =>
  chainOf(n)
    .at(-1)!
    .repeat(Math.ceil(characters / 64))
    .slice(0, characters);
const large = defineHandler({
  action: "torture.large",
  input: input.extend({ characters: z.number().optional() }),
  estimate: LONG_MS,
  retry,
  run: async ({ n, characters }) => ({ n, text: largeOf(n, characters) }),
});

/** A file, as its result links to it. */
const file = defineHandler({
  action: "torture.file",
  input,
  estimate: LONG_MS,
  retry,
  run: async ({ n }, ctx) => ({ n, file: await ctx.blobs.put("large.txt", largeOf(n)) }),
});

/** A file of several blocks. */
const bigFile = defineHandler({
  action: "torture.big_file",
  input,
  estimate: LONG_MS,
  retry,
  run: async ({ n }, ctx) => ({ n, file: await ctx.blobs.put("big.txt", largeOf(n).repeat(4)) }),
});

/** Saves what it has and gives up; retried by hand, it goes on from there. */
const mendable = defineHandler({
  action: "torture.mendable",
  input,
  estimate: LONG_MS,
  async run({ n }, ctx) {
    const resumed = saved.safeParse(ctx.resumed);
    if (resumed.success) return { n, digest: digestAfter(resumed.data.digest) };
    await ctx.checkpoint({ step: STEPS - 1, digest: chainOf(n).at(-2)! });
    throw new Fatal("it is to be retried by hand");
  },
});

export const kinds = [resumable, endless, large, file, bigFile, mendable];
