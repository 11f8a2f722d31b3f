/** No React: one long request over a bad network, and all that is seen of it. */
import { connect, type RunEvent } from "@streamer/client";
import { expose, requestId, token, url } from "./settings.ts";

const client = connect(url, { token, reconnect: { baseMs: 2, capMs: 20 }, connectTimeoutMs: 500, pongTimeoutMs: 200 });
const run = client.request("count", {}, { id: requestId!, mode: "async" });
const seen: RunEvent[] = [];
for await (const event of run.events) seen.push(event);
expose({ seen, result: await run.result });
