/**
 * The TypeScript of docs/guides/client.md: every line of it stands in `story` below, which the compiler checks and
 * which is played against a real WebSocket.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "@streamer/core";
import { connect, type RunReference } from "../src/index.ts";
import { startPeer, type FakePeer } from "./fake-peer.ts";

const resize = defineHandler({
  action: "resize_images",
  input: z.object({ album: z.string(), width: z.number() }),
  run: ({ album, width }) => ({ url: `${album}/${width}` }),
});
const handlers = [resize] as const;

async function story(address: string, seen: unknown[]): Promise<void> {
  const fetchToken = (): Promise<string> => Promise.resolve("t");
  const bar = { update: (...shown: unknown[]) => seen.push(shown) };
  const [requestId, failedId, seq] = ["r1", "r2", 3];
  const client = connect<typeof handlers>(address, { token: () => fetchToken() });
  {
    const status = (text: string) => seen.push(text);
    const run = client.request("resize_images", { album: "a1", width: 640 });
    run.onState(({ waiting, eta }) => {
      if (waiting?.reason === "queue") status(`${waiting.position ?? "some"} ahead, ${Math.round((eta?.p50Ms ?? 0) / 1_000)} s or so`);
      if (waiting?.reason === "tenant_concurrency") status("your other requests go first");
    });
    for await (const { percentage, message, eta } of run.progress) bar.update(percentage, message, eta);
    const { url } = await run.result;
    seen.push(url);
  }
  const info = await client.get(requestId);
  const { items, cursor } = await client.list({ status: "FAILED", limit: 50 });
  seen.push(info.status, items.length, cursor);
  const actions = await client.actions();
  seen.push(actions.length);
  {
    const run = client.attach(requestId);
    seen.push(await run.result);
  }
  {
    const kept = new Map<string, string>();
    const sessionStorage = { setItem: (name: string, text: string) => kept.set(name, text), getItem: (name: string) => kept.get(name) };
    const run = client.attach(requestId);
    sessionStorage.setItem("report", JSON.stringify(run));
    const same = client.attach(JSON.parse(sessionStorage.getItem("report")!) as RunReference);
    seen.push(await same.result);
  }
  const later = client.attach(requestId, { after: seq });
  const again = client.retry(failedId, "data was fixed");
  seen.push(await later.result, await again.result);
  await client.close();
}

function play(peer: FakePeer): void {
  const done = { type: "complete", metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } } as const;
  const item = { seq: 4, action: "resize_images", status: "COMPLETED", attempt: 1, created_at: 1, timestamp: 1 } as const;
  peer.onFrame = (message) => {
    if (message.type === "request") {
      const queued = { status: "queued", message: "", waiting_for: "queue", position: 3, eta: { p50_ms: 8_000, p90_ms: 9_000 } } as const;
      peer.say({ type: "acknowledgment", request_id: message.id!, seq: 1, ...queued });
      peer.say({ type: "waiting", request_id: message.id!, seq: 2, reason: "tenant_concurrency" });
      peer.say({ type: "progress", request_id: message.id!, seq: 3, percentage: 100, message: "2/2", attempt: 1 });
      peer.say({ ...done, request_id: message.id!, seq: 4, result: { url: "u" } });
    } else if (message.type === "retry") peer.say({ ...done, request_id: message.request_id, seq: 9, result: "redriven" });
    else if (message.type === "list") peer.say({ type: "list", items: [], ref: message.ref! });
    else if (message.type === "actions") peer.say({ type: "actions", items: [], ref: message.ref! });
    else if (message.type === "get" || message.type === "subscribe") {
      peer.say({ type: "snapshot", ...item, request_id: message.request_id, result: { url: "u" }, recovered: true, ref: message.ref! });
      if (message.type === "subscribe") peer.say({ ...done, request_id: message.request_id, seq: 4, result: { url: "u" } });
    }
  };
}

it("plays what the guide shows", async () => {
  await using peer = await startPeer();
  play(peer);
  const seen: unknown[] = [];
  await story(peer.url, seen);
  const waits = ["3 ahead, 8 s or so", "your other requests go first"];
  expect(seen).toEqual([
    ...waits,
    [100, "2/2", undefined],
    "u",
    "COMPLETED",
    0,
    undefined,
    0,
    { url: "u" },
    { url: "u" },
    { url: "u" },
    "redriven",
  ]);
});

it("shows in the guide only what is played", () => {
  const guide = readFileSync(new URL("../../../docs/guides/client.md", import.meta.url), "utf8");
  const source = readFileSync(new URL(import.meta.url), "utf8").replace(
    "connect<typeof handlers>(address,",
    'connect<typeof handlers>("ws://127.0.0.1:8080",',
  );
  const lines = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.split("\n"));
  const shown = lines.map((line) => line.replace(/ {2,}\/\/.*$/, "").trim()).filter((line) => line !== "" && !line.startsWith("import "));
  expect(shown.length).toBeGreaterThan(8);
  for (const line of shown) expect(source).toContain(line);
});
