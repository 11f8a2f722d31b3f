/** The README's server and client in one file, and a cancel. */
import { setTimeout as pass } from "node:timers/promises";
import { connect } from "@streamer/client";
import { defineHandler, startServer } from "@streamer/embedded";
import { z } from "zod";

const countWords = defineHandler({
  action: "count_words",
  input: z.object({ texts: z.array(z.string()).max(10_000) }),
  async run({ texts }, ctx) {
    let words = 0;
    for (const [index, text] of texts.entries()) {
      await pass(40, undefined, { signal: ctx.signal });
      words += text.split(/\s+/).filter(Boolean).length;
      ctx.report((100 * (index + 1)) / texts.length, `${index + 1} of ${texts.length}`);
    }
    return { words };
  },
});

const server = await startServer({ handlers: [countWords], dataFolder: "data", port: 0, logLevel: "silent" });
const client = connect<[typeof countWords]>(server.url, { token: await server.developmentToken({ userId: "me" }) });
const texts = Array.from({ length: 30 }, () => "one two three");
const run = client.request("count_words", { texts }, { mode: "async" });
for await (const { percentage, message } of run.progress) console.log(Math.round(percentage), message);
console.log("words:", (await run.result).words);

const second = client.request("count_words", { texts }, { mode: "async" });
for await (const progress of second.progress) if (progress.percentage > 0) break;
await second.cancel();
console.log(
  "cancelled:",
  await second.result.then(
    () => "no",
    (error: { readonly code: string }) => error.code,
  ),
);
await client.close();
await server.stop();
