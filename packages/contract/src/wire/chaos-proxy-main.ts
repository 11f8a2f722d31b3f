/**
 * The chaos proxy as a process, for clients in other languages. Says `{"port":…}` on stdout once it listens; a line
 * "calm" on stdin calms it, and is answered with what has struck; the end of stdin ends it.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { startChaosProxy } from "./chaos-proxy.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    seed: { type: "string", default: "1" },
    "mean-bytes": { type: "string", default: "4096" },
  },
});
const { target, seed, "mean-bytes": meanBytes } = values;
const port = Number(target?.split(":").at(-1));
if (target === undefined || !Number.isInteger(port)) {
  console.error("usage: chaos-proxy-main.ts --target HOST:PORT [--seed N] [--mean-bytes N]");
  process.exit(2);
}
await using proxy = await startChaosProxy({
  target: { host: target.slice(0, target.lastIndexOf(":")), port },
  seed: Number(seed),
  meanBytes: Number(meanBytes),
});
console.log(JSON.stringify({ port: proxy.port }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== "calm") continue;
  proxy.calm();
  console.log(JSON.stringify({ struck: proxy.struck }));
}
