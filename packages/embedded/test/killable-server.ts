/** A server to be killed again and again on one port and folder; says on stdout that it is ready, with a token per user. */
import { createHash } from "node:crypto";
import { defineHandler } from "@streamer/core";
import { z } from "zod";
import { startServer } from "../src/server/server.ts";
import { STEPS, digestAfter } from "./killable-work.ts";

const input = z.object({ n: z.number() });
const resumed = z.object({ step: z.number(), digest: z.string() });

/** Hashes on from its checkpoint; each fifth request fails its first attempt half way. */
const chain = defineHandler({
  action: "chain",
  input,
  estimate: 60_000,
  retry: { maxAttempts: 1_000, baseMs: 10, capMs: 40 },
  run: async ({ n }, ctx) => {
    const saved = resumed.safeParse(ctx.resumed);
    let { step, digest } = saved.success ? saved.data : { step: 0, digest: String(n) };
    while (step < STEPS) {
      step += 1;
      digest = digestAfter(digest);
      ctx.report((100 * step) / STEPS, `step ${step}`);
      await ctx.partial("digests", digest);
      await ctx.checkpoint({ step, digest });
      if (n % 5 === 0 && step === 3) throw new Error("the third step failed; it is done all the same");
    }
    return { n, digest };
  },
});

/** Runs until it is cancelled. */
const endless = defineHandler({
  action: "endless",
  input,
  estimate: 60_000,
  run: async (_, ctx) => {
    for (let digest = ""; !ctx.signal.aborted;) {
      digest = createHash("sha256").update(digest).digest("hex");
      await ctx.checkpoint({ digest });
    }
    throw ctx.signal.reason;
  },
});

const [dataFolder, port] = process.argv.slice(2) as [string, string];
const server = await startServer({
  handlers: [chain, endless],
  dataFolder,
  port: Number(port),
  logLevel: "error",
  // A storm of one user's clients.
  connectionLimits: { perUser: 1_000 },
  // A request may be running at any number of the kills: none of them is its fault.
  options: { quarantineAfter: 1_000 },
});
const token = (userId: string): Promise<string> => server.developmentToken({ userId });
console.log(JSON.stringify({ url: server.url, sdk: await token("sdk"), raw: await token("raw") }));
