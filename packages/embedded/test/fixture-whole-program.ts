/** A program as somebody writes it first: the handler and the server in one file. Of what kind, its environment says, and that of its workers. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { defineHandler } from "@streamer/core";
import { startServer } from "../src/server/server.ts";

const [folder = ""] = process.argv.slice(2);
const { KIND: kind = "", PORT: port = "0" } = process.env;

export const heavy = defineHandler({
  action: "heavy",
  input: { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } },
  isolate: import.meta.url,
  estimate: 60_000,
  retry: { maxAttempts: 1 },
  run: () => "done",
});

async function main(): Promise<void> {
  const own = createServer();
  if (kind === "beside a server of its own") await new Promise<void>((resolve) => void own.listen(Number(port), "127.0.0.1", resolve));
  const env = { KIND: kind, PORT: String((own.address() as AddressInfo | null)?.port) };
  const server = await startServer({ handlers: [heavy], dataFolder: join(folder, "data"), workers: { env } });
  console.log(JSON.stringify({ url: server.url, token: await server.developmentToken({ userId: "ann" }) }));
}

if (kind === "guarded") {
  if (import.meta.main) await main();
} else if (kind === "awaited") await main();
else void main();
