/** The handler, the server and the client of the README. */
import { connect } from "@streamer/client";
import { defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { z } from "zod";

export const countWords = defineHandler({
  action: "count_words",
  input: z.object({ texts: z.array(z.string()).max(10_000) }),
  estimate: ({ texts }) => texts.length * 10, // ms; leave it out and it is learned from real runs
  retry: { maxAttempts: 5 },
  async run({ texts }, ctx) {
    let words = 0;
    for (const [index, text] of texts.entries()) {
      ctx.signal.throwIfAborted(); // cancelled, timed out, or shutting down
      words += text.split(/\s+/).filter(Boolean).length;
      ctx.report((100 * (index + 1)) / texts.length, `${index + 1} of ${texts.length}`);
    }
    return { words };
  },
});

export async function serve(dataFolder: string, port: number): Promise<{ readonly server: Server; readonly token: string }> {
  const server = await startServer({ handlers: [countWords], dataFolder, port });
  const token = await server.developmentToken({ userId: "me" });
  return { server, token };
}

export async function count(
  url: string,
  token: string,
  texts: string[],
  show: (percentage: number, message?: string) => void,
): Promise<number> {
  await using client = connect<[typeof countWords]>(url, { token });
  const run = client.request("count_words", { texts });
  for await (const p of run.progress) show(p.percentage, p.message); // survives reconnects
  const { words } = await run.result; // or: await run.cancel()
  return words;
}
