/** Handlers that only benchmarks need: an empty one, and two chatty ones that do real work in a worker process. */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import { z } from "zod";
import { preciseNow } from "./clock.ts";

/** What a chatty handler reports, however it does so. */
export const CHATTY_UPDATES = 50;
const CHATTY_SLICE_MS = 20;
/** A few ms for the smallest input, a few hundred for the largest. */
const DIGEST_ROUNDS = 500;

/** Nothing but the way through: what is measured is Streamer. */
export const noop = defineHandler({ action: "noop", input: z.object({}), run: () => ({ ok: true }) });

/** 50 slices of hashing, 20 ms each, with an update after each. */
export const chatty = defineHandler({
  action: "chatty",
  input: z.object({}),
  isolate: import.meta.url,
  async run(_, ctx) {
    const block = new Uint8Array(65_536);
    let hashes = 0;
    for (let slice = 1; slice <= CHATTY_UPDATES; slice += 1) {
      for (const until = performance.now() + CHATTY_SLICE_MS; performance.now() < until; hashes += 1)
        createHash("sha256").update(block).digest();
      ctx.report((100 * slice) / CHATTY_UPDATES, `slice ${slice}`, { hashes });
      await setImmediate();
    }
    return { hashes };
  },
});

/** 50 updates without a pause. */
export const burst = defineHandler({
  action: "burst",
  input: z.object({}),
  isolate: import.meta.url,
  run(_, ctx) {
    for (let update = 1; update <= CHATTY_UPDATES; update += 1) ctx.report((100 * update) / CHATTY_UPDATES, `update ${update}`);
    return { ok: true };
  },
});

/** Hashes its input so often that its size decides how long it takes. */
export const digest = defineHandler({
  action: "digest",
  input: z.object({ text: z.string(), factor: z.number() }),
  run({ text, factor }) {
    const block = Buffer.from(text);
    const hash = createHash("sha256");
    for (let round = 0; round < DIGEST_ROUNDS * factor; round += 1) hash.update(block);
    return hash.digest("hex");
  },
});

/** What an author guessed that a round takes, on another machine, once. */
const GUESSED_ROUND_MS = 1 / 8;

/** Work whose time the input names and its size does not: hashing 64 KB so many times. */
function rounds(action: string, estimate?: (input: { readonly rounds: number }) => number): AnyHandler {
  return defineHandler({
    action,
    input: z.object({ rounds: z.int() }),
    ...(estimate && { estimate }),
    run(input) {
      const block = new Uint8Array(65_536);
      const hash = createHash("sha256");
      for (let round = 0; round < input.rounds; round += 1) hash.update(block);
      return hash.digest("hex");
    },
  });
}

/** The same work, told by its size and by a guess that is corrected. */
export const roundsBySize = rounds("rounds_by_size");
export const roundsDeclared = rounds("rounds_declared", (input) => input.rounds * GUESSED_ROUND_MS);

/** The same handler, stamping each report with the moment it was made. `isolate` is the module that exports the result. */
export function stamped<H extends AnyHandler>(handler: H, isolate: string): H {
  const run = (input: unknown, ctx: HandlerContext): unknown =>
    handler.run(input, {
      ...ctx,
      report: (percentage, message, metadata) => ctx.report(percentage, message, { ...metadata, made_at: preciseNow() }),
    });
  return { ...handler, isolate, run };
}
