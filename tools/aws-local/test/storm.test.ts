/**
 * A hundred requests at once on the deployed bundles, a quarter of whose processes are killed in the middle: every one
 * comes to one end, told in order, and nobody waits for a lease (P2, P3, P5, P6).
 */
import { createHash } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect, type RunEvent } from "@streamer/client";
import { startAwsLocal, synthesize, type AwsLocal } from "../src/index.ts";
import type { handlers } from "./fixture/storm-handlers.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const REQUESTS = 100;
const CONNECTIONS = 10;
/** On a machine that does much else: the local AWS starts a process for every instance. */
const PATIENCE_MS = 400_000;

let aws: AwsLocal;
beforeAll(async () => {
  const outFolder = await mkdtemp(join(tmpdir(), "storm-"));
  await synthesize({
    app: path("../../../apps/infra"),
    outFolder,
    context: { handlers: path("fixture/storm-handlers.ts"), workConcurrency: "6" },
  });
  aws = await startAwsLocal({ assembly: outFolder, dials: { lambda: { instances: 12 } } });
});
afterAll(() => aws?.stop());

function digestOf(text: string, links: number): string {
  let digest = text;
  for (let round = 0; round < links * 4_000; round += 1) digest = createHash("sha256").update(digest).digest("hex");
  return digest;
}

it(
  "P2 P3 P5 P6 100 requests at once, a quarter of whose processes die: each ends once, with its result, told in order",
  async () => {
    const token = await aws.token({ userId: "alice" });
    const clients = Array.from({ length: CONNECTIONS }, () => connect<typeof handlers>(aws.url, { token, connectTimeoutMs: 60_000 }));
    const stories = await Promise.all(
      Array.from({ length: REQUESTS }, async (_, n) => {
        const run = clients[n % CONNECTIONS]!.request("storm.chain", { text: `t${n % 7}`, dies: n % 4 === 0 }, { id: `s${n}` });
        const events: RunEvent[] = [];
        const listening = (async () => {
          for await (const event of run.events) events.push(event);
        })();
        const result = await run.result;
        await listening;
        return { n, result, events };
      }),
    );
    const expected = Array.from({ length: 7 }, (_, text) => digestOf(`t${text}`, 20));
    for (const { n, result, events } of stories) {
      expect(result).toEqual({ digest: expected[n % 7], attempt: n % 4 === 0 ? 2 : 1 });
      const seqs = events.flatMap((event) => ("seq" in event && event.seq !== undefined ? [event.seq] : []));
      expect(seqs, `story of s${n}`).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
      const durable = events.map(({ type }) => type).filter((type) => type !== "progress");
      expect(durable).toEqual(["acknowledgment", "partial", "partial", "partial", "partial", "complete"]);
    }
    await Promise.all(clients.map((client) => client.close()));
    expect(aws.denials).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  "P4 a function that dies while it answers is asked again under the same id, and answers",
  async () => {
    const token = await aws.token({ userId: "bob" });
    const mark = join(await mkdtemp(join(tmpdir(), "storm-")), "died");
    await using client = connect<typeof handlers>(aws.url, { token });
    const runs = Array.from({ length: 4 }, (_, n) =>
      client.request("storm.quick", { text: "x", ...(n === 0 && { mark }) }, { id: `q${n}` }),
    );
    const results = await Promise.all(runs.map(({ result }) => result));
    expect(results).toEqual(results.map(() => ({ digest: digestOf("x", 1) })));
  },
  PATIENCE_MS,
);
