/** The server under torture, as a process. Says on stdout where it is, and a token; SIGTERM stops it gracefully (P13), and SIGUSR2 has it print what it holds. */
import { z } from "zod";
import { defineHandler, type PartialOptions } from "@streamer/core";
import { startServer } from "@streamer/embedded";
import { hostile } from "./hostile.ts";
import { kinds } from "./kinds.ts";
import { answerMeasures } from "./measures.ts";
import { chainOf, work } from "./work.ts";

const input = z.object({ n: z.number() });
const LONG_MS = 60_000;

/** A session of about 3 KB: progress and partials, in order, then the last of them as the result. */
const chain = defineHandler({
  action: "torture.chain",
  input,
  estimate: LONG_MS,
  run: async ({ n }, ctx) => {
    const digests = chainOf(n);
    for (const [at, digest] of digests.entries()) {
      ctx.report((100 * (at + 1)) / digests.length, `step ${at + 1}`);
      await ctx.partial("digests", digest);
    }
    return { n, digest: digests.at(-1) };
  },
});

const derive = defineHandler({ action: "torture.work", input, estimate: LONG_MS, run: async ({ n }) => ({ n, derived: await work(n) }) });
const short = defineHandler({ action: "torture.short", input, estimate: 1, run: ({ n }) => ({ n, digest: chainOf(n).at(-1) }) });

const withRoom = (options: PartialOptions): PartialOptions => ({
  ...options,
  admission: { messagesPerSecondPerUser: 1_000_000, bytesPerSecondPerUser: 1e12, ...options.admission },
});
const [dataFolder, port, options, logLevel] = process.argv.slice(2) as [string, string, string, "warn" | "error" | "silent"];
const server = await startServer({
  handlers: [chain, derive, short, ...kinds, ...hostile],
  dataFolder,
  port: Number(port),
  logLevel,
  // Its clients are one user, in great number.
  options: withRoom(JSON.parse(options) as PartialOptions),
  connectionLimits: { perUser: 20_000, perTenant: 20_000, perAddress: 20_000 },
});
answerMeasures();
process.once("SIGTERM", () => void server.stop().then(() => process.exit(0)));
console.log(JSON.stringify({ url: server.url, token: await server.developmentToken({ userId: "torture" }) }));
