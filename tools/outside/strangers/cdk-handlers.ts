/** What somebody deploys: handlers in their own folder, and nothing of how they are run. */
import { setTimeout as pass } from "node:timers/promises";
import { defineHandler } from "@streamer/core";
import { z } from "zod";

export const handlers = [
  defineHandler({
    action: "count_words",
    input: z.object({ texts: z.array(z.string()) }),
    async run({ texts }, ctx) {
      let words = 0;
      for (const [index, text] of texts.entries()) {
        await pass(10, undefined, { signal: ctx.signal });
        words += text.split(/\s+/).filter(Boolean).length;
        ctx.report((100 * (index + 1)) / texts.length);
      }
      return { words };
    },
  }),
];
