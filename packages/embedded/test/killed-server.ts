/** A server to be killed: serves the folder it is given, says where on stdout, and lives until somebody ends it. */
import { defineHandler } from "@streamer/core";
import { z } from "zod";
import { startServer } from "../src/server.ts";

const steps = defineHandler({
  action: "steps",
  input: z.object({ n: z.number() }),
  run: async ({ n }, ctx) => {
    for (let step = 1; step <= 3; step += 1) {
      await ctx.partial("steps", step);
      ctx.report(step * 30);
    }
    return { squared: n * n };
  },
});

const server = await startServer({
  handlers: [steps],
  dataFolder: process.argv[2]!,
  logLevel: "error",
  // A request may be running at any number of the kills: none of them is its fault.
  options: { quarantineAfter: 1_000 },
});
console.log(JSON.stringify({ url: server.url, token: await server.developmentToken({ userId: "ann" }) }));
