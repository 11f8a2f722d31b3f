/** Streamer's server under test. Its settings are the first argument, as JSON. */
import { flushCompileCache } from "node:module";
import type * as Embedded from "@streamer/embedded";
import { z } from "zod";
import { UNLIMITED } from "../../admission.ts";
import { nowUs } from "../../clock.ts";
import { jobs } from "./jobs.ts";

export interface StreamerSettings {
  /** Where @streamer/embedded is imported from: what is built, or the sources. */
  readonly module: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Jobs that run at a time. */
  readonly slots: number;
  readonly secret: string;
}

const { module, port, dataFolder, slots, secret } = JSON.parse(process.argv[2]!) as StreamerSettings;
const { createLog, defineHandler, startServer } = (await import(module)) as typeof Embedded;

/** The run that everybody follows: it stays open, and reports once at each `cast`. */
let stage: Embedded.HandlerContext | undefined;
const HOUR_MS = 3_600_000;

const handlers = [
  defineHandler({ action: "echo", input: z.unknown(), estimate: 1, run: (said) => said }),
  defineHandler({ action: "noop", input: z.object({ pad: z.string().optional() }), run: (data) => jobs.noop(data as never, () => {}) }),
  defineHandler({
    action: "progress",
    input: z.object({ steps: z.number(), ms: z.number() }),
    run: (data, ctx) => jobs.progress(data, ({ pct, ts }) => ctx.report(pct, undefined, { ts })),
  }),
  defineHandler({ action: "sleep", input: z.object({ n: z.number(), ms: z.number() }), run: (data) => jobs.sleep(data, () => {}) }),
  defineHandler({
    action: "stage",
    input: z.object({}),
    timeoutMs: HOUR_MS,
    run: (_, ctx) => {
      stage = ctx;
      return new Promise<object>((resolve) => {
        ctx.signal.addEventListener("abort", () => resolve({}));
      });
    },
  }),
  defineHandler({
    action: "cast",
    input: z.object({}),
    estimate: 1,
    run: () => {
      stage?.report(50, undefined, { ts: nowUs() });
      return {};
    },
  }),
];

const { admission, ...places } = UNLIMITED;
const server = await startServer({
  handlers,
  dataFolder,
  port,
  auth: { secret },
  log: createLog("error"),
  ...places,
  // The run that everybody follows never ends by itself.
  stopGraceMs: 0,
  options: { inlineSlots: slots, admission },
});
process.on("SIGTERM", () => void server.stop().then(() => process.exit()));
console.log("READY");
flushCompileCache();
