/** The same for each: their own server, Streamer beside their routes, and a graceful end. */
import { setTimeout as pass } from "node:timers/promises";
import { attach, defineHandler } from "@streamer/embedded";
import { z } from "zod";

const countWords = defineHandler({
  action: "count_words",
  input: z.object({ texts: z.array(z.string()) }),
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

/** Called once the server listens. `end` closes what is theirs. */
export async function attachStreamer(server, end = () => server.close()) {
  const streamer = await attach(server, { path: "/streamer", handlers: [countWords], dataFolder: "data", logLevel: "silent" });
  const session = { url: streamer.url, token: await streamer.developmentToken({ userId: "me" }) };
  process.once("SIGTERM", () => void streamer.stop().then(end));
  return session;
}

export function announce(session) {
  console.log(JSON.stringify(session));
}
