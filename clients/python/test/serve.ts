/** Servers for the Python tests: what they handle, and each with a store and development tokens of its own. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { defineHandler, Fatal } from "@streamer/core";
import { startServer, type Server, type ServerOptions } from "@streamer/embedded";
import { estimatePi } from "../../../examples/hello/estimate-pi.ts";

const PARTIALS = 120;
const LONG_MS = 60_000;

const handlers = [
  estimatePi,
  defineHandler({ action: "double", input: z.object({ n: z.number() }), estimate: 1, run: ({ n }) => 2 * n }),
  defineHandler({
    action: "count",
    description: "Counts on from n.",
    input: z.object({ n: z.number() }),
    estimate: LONG_MS,
    run: async ({ n }, ctx) => {
      for (let index = 0; index < PARTIALS; index += 1) {
        ctx.report((100 * index) / PARTIALS, `number ${index}`, { index });
        await ctx.partial("numbers", n + index);
      }
      return { sum: PARTIALS * n + (PARTIALS * (PARTIALS - 1)) / 2 };
    },
  }),
  defineHandler({
    action: "resize_images",
    input: z.object({ album: z.string(), width: z.number() }),
    estimate: LONG_MS,
    run: async ({ album, width }, ctx) => {
      ctx.report(50, "1/2");
      await ctx.partial("files", "1.jpg");
      ctx.report(100, "2/2");
      return { url: `${album}/${width}` };
    },
  }),
  defineHandler({
    action: "endless",
    input: z.object({}),
    estimate: LONG_MS,
    run: async (_, ctx) => {
      ctx.report(1, "begun");
      for (let index = 0; !ctx.signal.aborted; index += 1) await ctx.checkpoint({ index });
      throw ctx.signal.reason;
    },
  }),
  defineHandler({
    action: "flaky",
    input: z.object({}),
    estimate: LONG_MS,
    retry: { maxAttempts: 5, baseMs: 2, capMs: 2 },
    run: (_, ctx) => {
      if (ctx.request.attempt < 3) throw new Error(`attempt ${ctx.request.attempt} failed`);
      return { attempt: ctx.request.attempt };
    },
  }),
  defineHandler({
    action: "broken",
    input: z.object({}),
    estimate: LONG_MS,
    run: () => {
      throw new Fatal("nothing can mend this");
    },
  }),
  defineHandler({
    action: "large",
    input: z.object({ characters: z.number() }),
    estimate: LONG_MS,
    run: ({ characters }) => "ä".repeat(characters),
  }),
];

export interface Served {
  readonly url: string;
  readonly token: string;
}

export async function serve(more: Partial<ServerOptions> = {}): Promise<{ readonly server: Server; readonly served: Served }> {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-python-"));
  // Requests that a test left running need not end.
  const server = await startServer({ handlers, dataFolder, logLevel: "silent", stopGraceMs: 0, ...more });
  return { server, served: { url: server.url, token: await server.developmentToken({ userId: "ann" }) } };
}
