import { expect, it, vi } from "vitest";
import { connect, type Client, type ConnectOptions, type RunEvent } from "../src/index.ts";
import { startPeer, type FakePeer } from "./fake-peer.ts";
import { createManualClock } from "./manual-clock.ts";

const open = (peer: FakePeer, options: Partial<ConnectOptions> = {}): Client =>
  connect(peer.url, { token: "t0", reconnect: { baseMs: 1, capMs: 5 }, ...options });

const done = { type: "complete", result: { n: 1 }, metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } } as const;
const ack = { type: "acknowledgment", status: "queued", message: "" } as const;
const snapshot = { type: "snapshot", action: "work", attempt: 1, created_at: 1 } as const;
const isRequest = (message: { type: string }): boolean => message.type === "request";
const isSubscribe = (message: { type: string }): boolean => message.type === "subscribe";
const refOf = (message: object): string => (message as { ref: string }).ref;

async function seqs(events: AsyncIterable<RunEvent>): Promise<number[]> {
  const seen: number[] = [];
  for await (const event of events) if (event.type !== "response") seen.push(event.seq ?? 0);
  return seen;
}

it("P4: a request without an answer is sent again under the same id, an acknowledged one is not", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const [lost, kept] = [client.request("work", 1, { id: "lost" }), client.request("work", 2, { id: "kept" })];
  await peer.hear(isRequest, 2);
  peer.say({ ...ack, request_id: "kept", seq: 1 });
  await kept.accepted;
  peer.cut();
  await peer.hear((message) => message.type === "request" && message.id === "lost", 2);
  expect(await peer.hear(isSubscribe)).toMatchObject({ request_id: "kept", after: 1 });
  expect(peer.heard.filter((message) => message.type === "request" && message.id === "kept")).toHaveLength(1);
  peer.say({ type: "response", request_id: "lost", success: true, data: 5, metadata: { processing_ms: 0 } });
  expect(await lost.result).toBe(5);
});

it("P6: goes on after the last seq seen, and hears nothing twice", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  const events = seqs(run.events);
  const heard: string[] = [];
  const reading = (async () => {
    for await (const event of run.events) if (event.type === "partial") heard.push(event.stream);
  })();
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  peer.say({ type: "partial", request_id: "r1", seq: 2, stream: "rows", index: 0, data: 0 });
  await run.accepted;
  await expect.poll(() => heard).toEqual(["rows"]);
  peer.cut();
  const subscribe = await peer.hear(isSubscribe);
  peer.say({ ...snapshot, request_id: "r1", seq: 4, status: "COMPLETED", result: { n: 1 }, recovered: true, ref: refOf(subscribe) });
  peer.say({ type: "partial", request_id: "r1", seq: 2, stream: "rows", index: 0, data: 0 });
  peer.say({ type: "partial", request_id: "r1", seq: 3, stream: "rows", index: 1, data: 1 });
  peer.say({ ...done, request_id: "r1", seq: 4 });
  expect(await run.result).toEqual({ n: 1 });
  expect(await events).toEqual([1, 2, 3, 4]);
  await reading;
  expect(heard).toEqual(["rows", "rows"]);
});

it("P6: takes the snapshot for the truth when nothing can be recovered", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 9 });
  await run.accepted;
  peer.cut();
  const subscribe = await peer.hear(isSubscribe);
  peer.say({ ...snapshot, request_id: "r1", seq: 3, status: "COMPLETED", result: "kept", recovered: false, ref: refOf(subscribe) });
  expect(await run.result).toBe("kept");
});

it("P6: after another epoch asks for the snapshot alone, and what was stored nowhere is sent again", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const [run, unsent] = [client.request("work", 1, { id: "r1" }), client.request("work", 1, { id: "r2" })];
  await peer.hear(isRequest, 2);
  peer.say({ ...ack, request_id: "r1", seq: 5 });
  await run.accepted;
  peer.epoch = "e2";
  peer.cut();
  const subscribe = await peer.hear(isSubscribe);
  expect(subscribe).toMatchObject({ request_id: "r1", after: Number.MAX_SAFE_INTEGER });
  await peer.hear((message) => message.type === "request" && message.id === "r2", 2);
  peer.say({ ...ack, request_id: "r1", seq: 6 });
  peer.say({ ...snapshot, request_id: "r1", seq: 2, status: "PROCESSING", recovered: false, ref: refOf(subscribe) });
  peer.say({ ...done, request_id: "r1", seq: 3 });
  expect(await run.result).toEqual({ n: 1 });
  expect(unsent.state.acknowledged).toBe(false);
});

it("rejects a run that the server no longer knows, and asks again when it is only busy", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock });
  const [gone, busy] = [client.attach("gone"), client.attach("busy", { after: 7 })];
  const [first, second] = [await peer.hear(isSubscribe, 1), await peer.hear(isSubscribe, 2)];
  expect(second).toMatchObject({ request_id: "busy", after: 7 });
  peer.say({ type: "error", request_id: "gone", ref: refOf(first), error: { code: "NOT_FOUND", message: "none" } });
  peer.say({
    type: "error",
    request_id: "busy",
    ref: refOf(second),
    error: { code: "RATE_LIMITED", message: "later", retry: { retryable: true, after_ms: 300 } },
  });
  await expect(gone.result).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect.poll(() => clock.pending.includes(300)).toBe(true);
  clock.advance(300);
  expect(await peer.hear(isSubscribe, 3)).toMatchObject({ request_id: "busy" });
  expect(busy.state.status).toBe("PENDING");
});

it("keeps a request that a stopping server refused, and sends it to the next", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ type: "error", request_id: "r1", error: { code: "SERVICE_UNAVAILABLE", message: "stopping" } });
  peer.cut();
  await peer.hear(isRequest, 2);
  peer.say({ type: "response", request_id: "r1", success: true, data: 1, metadata: { processing_ms: 0 } });
  expect(await run.result).toBe(1);
});

it("P4: follows the request that an idempotency key stands for", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "mine", idempotencyKey: "k" });
  await peer.hear(isRequest);
  peer.say({ ...snapshot, request_id: "theirs", seq: 2, status: "PROCESSING", recovered: true, ref: "mine" });
  peer.say({ ...ack, request_id: "theirs", seq: 1 });
  await run.accepted;
  expect(run.id).toBe("theirs");
  peer.cut();
  expect(await peer.hear(isSubscribe)).toMatchObject({ request_id: "theirs" });
  peer.say({ ...done, request_id: "theirs", seq: 3 });
  expect(await run.result).toEqual({ n: 1 });
});

it("P8: asks for cancellation again on the next connection", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await run.accepted;
  const receipt = run.cancel();
  await peer.hear(({ type }) => type === "cancel");
  peer.cut();
  await peer.hear(({ type }) => type === "cancel", 2);
  peer.say({ type: "cancellation", request_id: "r1", seq: 2, stage: "stopped" });
  peer.say({ type: "error", request_id: "r1", seq: 3, error: { code: "CANCELLED", message: "c" } });
  expect(await receipt).toEqual({ stage: "stopped", observed: false });
});

it("P8: a cancellation that nobody answers is settled by the end of its request, and not asked for again", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock, random: () => 1 });
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await run.accepted;
  const receipt = run.cancel();
  await peer.hear(({ type }) => type === "cancel");
  peer.say({ message: "Internal server error", connectionId: "abc=", requestId: "def" } as never);
  peer.say({ ...done, request_id: "r1", seq: 2 });
  expect(await receipt).toEqual({ stage: "too_late", observed: false });
  clock.advance(500);
  client.attach("r2");
  await peer.hear(isSubscribe);
  expect(peer.heard.filter(({ type }) => type === "cancel")).toHaveLength(1);
});

it("P8: the answer to a cancellation that is settled says nothing of the next request under its id", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const refused = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  const receipt = refused.cancel();
  const cancel = await peer.hear(({ type }) => type === "cancel");
  peer.say({ type: "error", request_id: "r1", error: { code: "RATE_LIMITED", message: "not now" } });
  await expect(refused.result).rejects.toMatchObject({ code: "RATE_LIMITED" });
  await receipt;
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest, 2);
  peer.say({ type: "error", request_id: "r1", ref: refOf(cancel), error: { code: "NOT_FOUND", message: "there is none" } });
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  peer.say({ ...done, request_id: "r1", seq: 2 });
  expect(await run.result).toEqual({ n: 1 });
});

it("P4 P8: the answer to a wish to cancel is none to the request, which is sent until it is answered", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  const receipt = run.cancel();
  await peer.hear(({ type }) => type === "cancel");
  peer.cut();
  const again = await peer.hear(({ type }) => type === "cancel", 2);
  await peer.hear(isRequest, 2);
  // It was cancelled before the link was lost; the store refuses for a moment to say so.
  peer.say({ type: "error", request_id: "r1", error: { code: "STORAGE_ERROR", message: "down", retry: { retryable: true, after_ms: 1 } } });
  peer.say({ type: "cancellation", request_id: "r1", stage: "too_late", ref: refOf(again) });
  await peer.hear(isRequest, 3);
  peer.say({ ...snapshot, request_id: "r1", seq: 4, status: "CANCELLED", recovered: true, ref: "r1" });
  for (const [index, stage] of (["requested", "stopped"] as const).entries())
    peer.say({ type: "cancellation", request_id: "r1", seq: 2 + index, stage });
  peer.say({ type: "error", request_id: "r1", seq: 4, error: { code: "CANCELLED", message: "cancelled" } });
  await expect(run.result).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await receipt).toMatchObject({ stage: "stopped" });
});

it("P8: a cancellation whose answer got lost did not come too late", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await run.accepted;
  const receipt = run.cancel();
  await peer.hear(({ type }) => type === "cancel");
  peer.cut();
  const again = await peer.hear(({ type }) => type === "cancel", 2);
  peer.say({ type: "cancellation", request_id: "r1", stage: "too_late", ref: refOf(again) });
  for (const [index, stage] of (["requested", "observed", "stopped"] as const).entries()) {
    peer.say({ type: "cancellation", request_id: "r1", seq: 2 + index, stage });
  }
  peer.say({ type: "error", request_id: "r1", seq: 5, error: { code: "CANCELLED", message: "c" } });
  expect(await receipt).toEqual({ stage: "stopped", observed: true });
});

it("P9: an attached request that was redriven does not end with its old error", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.attach("r1");
  const events = seqs(run.events);
  const subscribe = await peer.hear(isSubscribe);
  peer.say({ ...snapshot, request_id: "r1", seq: 3, status: "PENDING", recovered: true, ref: refOf(subscribe) });
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  peer.say({ type: "error", request_id: "r1", seq: 2, error: { code: "TIMEOUT", message: "slow" } });
  peer.say({ ...ack, request_id: "r1", seq: 3 });
  peer.say({ ...done, request_id: "r1", seq: 4 });
  expect(await run.result).toEqual({ n: 1 });
  expect(await events).toEqual([1, 2, 3, 4]);
});

it("P9: retry follows the request it queues again, also when the answer got lost", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.retry("r1", "fixed");
  expect(await peer.hear(({ type }) => type === "retry")).toEqual({ type: "retry", request_id: "r1", reason: "fixed" });
  peer.cut();
  await peer.hear(({ type }) => type === "retry", 2);
  peer.say({ type: "error", request_id: "r1", error: { code: "VALIDATION_ERROR", message: "is PENDING" } });
  await peer.hear(isSubscribe);
  peer.say({ ...done, request_id: "r1", seq: 8 });
  expect(await run.result).toEqual({ n: 1 });
});

it("gives up a half-open connection: silent, asked, and silent still", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  peer.heartbeatMs = 1_000;
  await using client = open(peer, { clock, random: () => 1, pongTimeoutMs: 400, reconnect: { baseMs: 700 } });
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  await peer.until(() => peer.pings === 1);
  clock.advance(1_000);
  await peer.until(() => peer.pings === 2);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await run.accepted;
  clock.advance(400);
  expect(client.state.status).toBe("open");
  peer.stalled = true;
  clock.advance(1_000);
  await peer.until(() => peer.pings === 3);
  clock.advance(400);
  expect(client.state).toMatchObject({ status: "waiting", error: { message: expect.stringContaining("silent for") as string } });
  peer.stalled = false;
  clock.advance(700);
  expect(await peer.hear(isSubscribe)).toMatchObject({ request_id: "r1", after: 1 });
});

it("P4 P6: says again what was not answered when a gateway lost a frame, on the same connection, and less and less often", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock, random: () => 1 });
  const lost = { message: "Internal server error", connectionId: "abc=", requestId: "def" } as never;
  const run = client.request("work", {}, { id: "r1" });
  await peer.hear(isRequest);
  const attached = client.attach("r2");
  await peer.hear(({ type }) => type === "subscribe");
  for (const [n, waitMs] of [500, 1_000, 2_000].entries()) {
    peer.say(lost);
    peer.say(lost);
    await vi.waitUntil(() => clock.pending.includes(waitMs));
    clock.advance(waitMs - 1);
    expect(peer.heard.filter(isRequest)).toHaveLength(n + 1);
    clock.advance(1);
    await peer.hear(isRequest, n + 2);
    await peer.hear(({ type }) => type === "subscribe", n + 2);
  }
  peer.say({ ...done, request_id: "r1", seq: 2 });
  peer.say({ ...done, request_id: "r2", seq: 2 });
  expect(await run.result).toEqual({ n: 1 });
  expect(await attached.result).toEqual({ n: 1 });
  expect(peer.offered).toHaveLength(1);
});

it("P6: asks again for what a snapshot announced when a gateway's function failed before it was told", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock, random: () => 1 });
  const attached = client.attach("r1");
  const { ref } = (await peer.hear(isSubscribe)) as { readonly ref: string };
  const past = { type: "snapshot", request_id: "r1", seq: 2, action: "work", status: "COMPLETED", attempt: 1, recovered: true, ref };
  peer.say({ ...past, timestamp: 0, created_at: 0, run_at: 0, ended_at: 0 } as never);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  peer.say({ message: "Internal server error", connectionId: "abc=", requestId: "def" } as never);
  await vi.waitUntil(() => clock.pending.includes(500));
  clock.advance(500);
  expect(await peer.hear(isSubscribe, 2)).toMatchObject({ request_id: "r1", after: 1 });
  peer.say({ ...done, request_id: "r1", seq: 2 });
  expect(await attached.result).toEqual({ n: 1 });
});

it("gives up a connection that is never greeted", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  peer.stalled = true;
  await using client = open(peer, { clock, random: () => 1, connectTimeoutMs: 3_000 });
  await peer.until(() => peer.pings === 1);
  clock.advance(3_000);
  expect(client.state).toMatchObject({ status: "waiting", failures: 1, error: { code: "CANNOT_CONNECT" } });
});

it("comes back at the pace the server allows", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock });
  peer.messagesPerSecond = 10;
  for (let n = 0; n < 25; n += 1) client.attach(`r${n}`);
  await peer.hear(isSubscribe, 10);
  await expect.poll(() => clock.pending.includes(1_000)).toBe(true);
  expect(peer.heard).toHaveLength(10);
  clock.advance(1_000);
  await peer.hear(isSubscribe, 20);
  clock.advance(1_000);
  await peer.hear(isSubscribe, 25);
  expect(new Set(peer.heard.map((message) => (message as { request_id: string }).request_id)).size).toBe(25);
});

it("leaves no unhandled rejection when nobody waits for a result", async () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", listen);
  {
    await using peer = await startPeer();
    await using client = open(peer);
    client.request("work", 1, { id: "r1" });
    await peer.hear(isRequest);
    peer.say({ type: "error", request_id: "r1", error: { code: "INTERNAL_ERROR", message: "x" } });
    void client.attach("r2").cancel();
    await peer.hear(isSubscribe);
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", listen);
  expect(unhandled).toEqual([]);
});
