/** The TypeScript client, in this process. */
import { connect, type RunEvent } from "@streamer/client";
import type { JsonValue } from "@streamer/protocol";
import type { Client } from "./session.ts";

export const typescript: Client = {
  name: "TypeScript client",
  atOnce: 24,
  async session({ url, token }) {
    const client = connect(url, { token, reconnect: { baseMs: 5, capMs: 100 } });
    const run = client.request("torture.chain", { n: 1 }, { mode: "async" });
    const events: RunEvent[] = [];
    const reading = (async () => {
      for await (const event of run.events) events.push(event);
    })();
    const result = (await run.result.catch(String)) as JsonValue;
    await reading;
    await client.close();
    return { id: run.id, result, events };
  },
  async [Symbol.asyncDispose]() {},
};
