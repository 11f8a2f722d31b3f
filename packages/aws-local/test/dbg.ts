import { appendFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@streamer/client";
import { startAwsLocal, synthesize } from "../src/index.ts";
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const N = Number(process.argv[2] ?? 20),
  C = Number(process.argv[3] ?? 4);
const outFolder = await mkdtemp(join(tmpdir(), "storm-"));
await synthesize({
  app: path("../../../apps/infra"),
  outFolder,
  context: { handlers: path("fixture/storm-handlers.ts"), workConcurrency: "12" },
});
const aws = await startAwsLocal({
  assembly: outFolder,
  dials: { lambda: { instances: 24 } },
  log: (name, line) => appendFileSync("/tmp/dbg.log", `${Date.now() % 1e6} ${name} ${line}\n`),
});
const token = await aws.token({ userId: "alice" });
const clients = Array.from({ length: C }, () => connect(aws.url, { token, connectTimeoutMs: 60_000 }));
for (const [i, c] of clients.entries())
  c.onState((s) => appendFileSync("/tmp/dbg.log", `${Date.now() % 1e6} client${i} ${JSON.stringify(s).slice(0, 200)}\n`));
const t0 = performance.now();
let done = 0;
const runs = Array.from({ length: N }, (_, n) =>
  clients[n % C]!.request("storm.chain", { text: `t${n % 7}`, dies: process.argv[4] === "die" && n % 4 === 0 } as never, { id: `s${n}` }),
);
const timer = setInterval(
  () => console.log(Math.round(performance.now() - t0), "done", done, runs.map((r) => r.state.status[0]).join("")),
  3000,
);
await Promise.race([
  Promise.all(runs.map((r) => r.result.then(() => done++))),
  new Promise((r) => setTimeout(r, Number(process.argv[5] ?? 40_000))),
]);
clearInterval(timer);
console.log("end", Math.round(performance.now() - t0), done);
for (const [name, f] of Object.entries(aws.functions()))
  console.log(
    name,
    f.invocations,
    "err",
    f.errors,
    "to",
    f.timeouts,
    "thr",
    f.throttles,
    "cold",
    f.coldStarts,
    "mean",
    Math.round((f as any).durationMs.reduce((a: number, b: number) => a + b, 0) / Math.max(1, f.invocations)),
  );
console.log(JSON.stringify(aws.streams()), aws.denials.slice(0, 3));
await Promise.all(clients.map((c) => c.close()));
await aws.stop();
process.exit(0);
