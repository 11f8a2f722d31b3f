import { expect, it } from "vitest";
import { connect, isStreamerError, type Client, type ConnectOptions, type ConnectionState } from "../src/index.ts";
import { startPeer, type FakePeer } from "./fake-peer.ts";
import { createManualClock } from "./manual-clock.ts";

const open = (peer: FakePeer, options: Partial<ConnectOptions> = {}): Client =>
  connect(peer.url, { token: "t0", reconnect: { baseMs: 1, capMs: 5 }, ...options });

const becomes = (client: Client, status: ConnectionState["status"]): Promise<void> =>
  new Promise((resolve) => {
    if (client.state.status === status) resolve();
    const stop = client.onState((state) => {
      if (state.status !== status) return;
      stop();
      resolve();
    });
  });

const done = { type: "complete", result: { n: 1 }, metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } } as const;
const isRequest = (message: { type: string }): boolean => message.type === "request";

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const value of values) seen.push(value);
  return seen;
}

it("sends the token as a subprotocol beside the protocol's own", async () => {
  await using peer = await startPeer();
  await using client = open(peer, { token: () => Promise.resolve("aa.bb.cc") });
  await becomes(client, "open");
  expect(peer.offered).toEqual([["streamer.v1", "bearer.aa.bb.cc"]]);
});

it("tells the life of a request: state, progress, partials, events and result", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request(
    "work",
    { a: 1 },
    { id: "r1", priority: 9, delayMs: 5, timeoutMs: 7, maxAttempts: 2, metadata: { k: "v" }, mode: "async" },
  );
  const [progress, rows, events] = [all(run.progress), all(run.partials("rows")), all(run.events)];
  expect(run.state).toEqual({ status: "PENDING", acknowledged: false, attempt: 0 });
  expect(await peer.hear(isRequest)).toEqual({
    type: "request",
    id: "r1",
    action: "work",
    payload: { a: 1 },
    metadata: { k: "v" },
    options: { mode: "async", priority: 9, delay_ms: 5, timeout_ms: 7, max_attempts: 2 },
  });
  peer.say({
    type: "acknowledgment",
    request_id: "r1",
    seq: 1,
    status: "queued",
    message: "",
    position: 3,
    waiting_for: "queue",
    eta: { p50_ms: 5, p90_ms: 9 },
  });
  await run.accepted;
  expect(run.state).toMatchObject({
    status: "PENDING",
    acknowledged: true,
    waiting: { reason: "queue", position: 3 },
    eta: { p50Ms: 5, p90Ms: 9 },
  });
  const updates = [{ percentage: 20 }, { percentage: 40, message: "half" }];
  const coalesced = { message: "half", stage: "query", updates, omitted: 3 };
  peer.say({ type: "progress", request_id: "r1", seq: 2, percentage: 40, attempt: 1, ...coalesced });
  peer.say({ type: "partial", request_id: "r1", seq: 3, stream: "rows", index: 0, data: ["x"] });
  peer.say({ type: "partial", request_id: "r1", seq: 4, stream: "other", index: 0, data: "no" });
  peer.say({ ...done, request_id: "r1", seq: 5 });
  expect(await run.result).toEqual({ n: 1 });
  expect(await progress).toMatchObject([{ percentage: 40, attempt: 1, ...coalesced }]);
  expect(await rows).toEqual([["x"]]);
  expect((await events).map(({ type }) => type)).toEqual(["acknowledgment", "progress", "partial", "partial", "complete"]);
  expect(run.state).toMatchObject({ status: "COMPLETED", result: { n: 1 } });
});

it("resolves with the answer of a sync request, or rejects with its error", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const [good, bad] = [client.request("echo", 1, { id: "a" }), client.request("echo", 2, { id: "b" })];
  await peer.hear(isRequest, 2);
  peer.say({ type: "response", request_id: "a", success: true, data: 7, metadata: { processing_ms: 1 } });
  peer.say({
    type: "response",
    request_id: "b",
    success: false,
    error: { code: "TIMEOUT", message: "too long" },
    metadata: { processing_ms: 1 },
  });
  expect(await good.result).toBe(7);
  await expect(bad.result).rejects.toMatchObject({ code: "TIMEOUT", message: "too long", requestId: "b" });
  expect(await all(good.progress)).toEqual([]);
});

it("rejects a refused request with its issues, and no other one", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const [run, other] = [client.request("work", {}, { id: "r1" }), client.request("work", {}, { id: "r2" })];
  await peer.hear(isRequest, 2);
  const details = { issues: [{ path: ["payload", "n"], message: "is required" }] };
  peer.say({
    type: "error",
    request_id: "r1",
    error: { code: "VALIDATION_ERROR", message: "wrong", details, retry: { retryable: false } },
  });
  const error: unknown = await run.result.catch((reason: unknown) => reason);
  expect(isStreamerError(error)).toBe(true);
  expect(error).toMatchObject({ code: "VALIDATION_ERROR", requestId: "r1", details, retry: { retryable: false } });
  await expect(run.accepted).rejects.toBe(error);
  expect(other.state.status).toBe("PENDING");
});

it("lets a slow reader skip to the newest progress, and always shows the last", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", {}, { id: "r1" });
  await peer.hear(isRequest);
  const seen: number[] = [];
  for (let n = 1; n <= 50; n += 1) peer.say({ type: "progress", request_id: "r1", seq: n, percentage: 2 * n, attempt: 1 });
  for await (const { percentage } of run.progress) {
    if (seen.push(percentage) === 1) {
      peer.say({ ...done, request_id: "r1", seq: 60 });
      await run.result;
    }
  }
  // One, when all had come before it began to read.
  expect(seen.length).toBeLessThanOrEqual(2);
  expect(seen.at(-1)).toBe(100);
});

it("P8: cancel resolves with the receipt, observed along the way", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", {}, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ type: "acknowledgment", request_id: "r1", seq: 1, status: "processing", message: "" });
  await run.accepted;
  const receipt = run.cancel("enough");
  expect(await peer.hear(({ type }) => type === "cancel")).toMatchObject({ request_id: "r1", reason: "enough" });
  for (const [index, stage] of (["requested", "observed", "stopped"] as const).entries()) {
    peer.say({ type: "cancellation", request_id: "r1", seq: 2 + index, stage });
  }
  peer.say({ type: "error", request_id: "r1", seq: 5, error: { code: "CANCELLED", message: "cancelled" } });
  expect(await receipt).toEqual({ stage: "stopped", observed: true });
  await expect(run.result).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await run.cancel()).toEqual({ stage: "stopped", observed: true });
});

it("P8: cancel that comes too late says so, and the result stays", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", {}, { id: "r1" });
  await peer.hear(isRequest);
  peer.onFrame = (message) => {
    if (message.type !== "cancel") return;
    peer.say({ type: "cancellation", request_id: "r1", stage: "too_late", ref: message.ref! });
    peer.say({ ...done, request_id: "r1", seq: 2 });
  };
  expect(await run.cancel()).toEqual({ stage: "too_late", observed: false });
  expect(await run.result).toEqual({ n: 1 });
});

it("says a cancel again when it overtook its request", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  await becomes(client, "open");
  const controller = new AbortController();
  const run = client.request("work", {}, { id: "r1", signal: controller.signal });
  controller.abort("changed my mind");
  const cancel = await peer.hear(({ type }) => type === "cancel");
  peer.say({ type: "error", request_id: "r1", ref: (cancel as { ref: string }).ref, error: { code: "NOT_FOUND", message: "not yet" } });
  peer.say({ type: "acknowledgment", request_id: "r1", seq: 1, status: "queued", message: "" });
  expect(await peer.hear(({ type }) => type === "cancel", 2)).toMatchObject({ reason: "changed my mind" });
  expect(run.state.status).toBe("PENDING");
});

it("never sends what was cancelled before, or cannot be sent", async () => {
  await using peer = await startPeer();
  peer.messageBytes = 200;
  await using client = open(peer);
  const early = client.request("work", {}, { id: "early" });
  expect(await early.cancel()).toEqual({ stage: "stopped", observed: false });
  const aborted = client.request("work", {}, { signal: AbortSignal.abort() });
  await expect(aborted.result).rejects.toMatchObject({ code: "CANCELLED" });
  const circular: unknown[] = [];
  circular.push(circular);
  await expect(client.request("work", circular).result).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
  await expect(client.request("work", "€".repeat(100)).result).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  const same = [
    client.request("work", 1, { id: "same" }),
    client.request("work", 1, { id: "same" }),
    client.request("work", 2, { id: "same" }),
  ];
  await expect(same[2]!.result).rejects.toMatchObject({ code: "DUPLICATE_REQUEST" });
  await peer.hear(isRequest);
  peer.say({ type: "response", request_id: "same", success: true, data: 1, metadata: { processing_ms: 0 } });
  expect(await Promise.all([same[0]!.result, same[1]!.result])).toEqual([1, 1]);
  expect(peer.heard.filter(isRequest)).toHaveLength(1);
});

it("bounds what is unanswered, and takes more once answers came", async () => {
  await using peer = await startPeer();
  await using client = open(peer, { outbox: { messages: 2 } });
  const runs = [1, 2, 3].map((n) => client.request("work", n, { id: `r${n}` }));
  await expect(runs[2]!.result).rejects.toMatchObject({ code: "OUTBOX_FULL" });
  await expect(client.get("r1")).rejects.toMatchObject({ code: "OUTBOX_FULL" });
  await peer.hear(isRequest, 2);
  peer.say({ type: "response", request_id: "r1", success: true, data: 1, metadata: { processing_ms: 0 } });
  await runs[0]!.result;
  client.request("work", 4, { id: "r4" });
  expect(await peer.hear((message) => message.type === "request" && message.id === "r4")).toBeDefined();
});

it("answers get, list and actions, and rejects them with typed errors", async () => {
  const action = { action: "echo", timeout_ms: 1_000, max_attempts: 3, permissions: [] };
  await using peer = await startPeer();
  await using client = open(peer);
  const item = {
    request_id: "r1",
    seq: 4,
    timestamp: 1,
    action: "work",
    status: "FAILED",
    attempt: 3,
    created_at: 5,
    error: { code: "TIMEOUT", message: "slow" },
  } as const;
  peer.onFrame = (message) => {
    if (message.type === "list") peer.say({ type: "list", items: [item], cursor: "next", ref: message.ref! });
    if (message.type === "actions") peer.say({ type: "actions", items: [action], ref: message.ref! });
    if (message.type === "get" && message.request_id === "r1") peer.say({ type: "snapshot", ...item, recovered: true, ref: message.ref! });
    if (message.type === "get" && message.request_id === "r2")
      peer.say({ type: "error", request_id: "r2", ref: message.ref!, error: { code: "NOT_FOUND", message: "none" } });
  };
  expect(await client.get("r1")).toMatchObject({ id: "r1", seq: 4, status: "FAILED", createdAt: new Date(5), error: { code: "TIMEOUT" } });
  expect(await client.actions()).toEqual([action]);
  expect(await client.list({ status: "FAILED", limit: 1 })).toMatchObject({ items: [{ id: "r1", attempt: 3 }], cursor: "next" });
  await expect(client.get("r2")).rejects.toMatchObject({ code: "NOT_FOUND", requestId: "r2" });
});

it("close ends open runs with a typed error, and so does all that is asked afterwards", async () => {
  await using peer = await startPeer();
  const client = open(peer);
  const run = client.request("work", {}, { id: "r1" });
  await peer.hear(isRequest);
  await client.close();
  await expect(run.result).rejects.toMatchObject({ code: "CLIENT_CLOSED", requestId: "r1" });
  await expect(client.request("work").result).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  await expect(client.list()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  expect(await all(run.progress)).toEqual([]);
});

it("gives up at once on a refused static token, and asks a function for a new one", async () => {
  await using peer = await startPeer();
  peer.refuseWith = { code: "UNAUTHORIZED", message: "The token has expired." };
  const fixed = open(peer);
  const run = fixed.request("work");
  await expect(run.result).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  expect(fixed.state).toMatchObject({ status: "closed", error: { code: "UNAUTHORIZED", message: "The token has expired." } });
  let asked = 0;
  await using fresh = open(peer, {
    token: () => {
      asked += 1;
      if (asked === 2) throw new Error("login is down");
      if (asked === 3) peer.refuseWith = undefined;
      return `token${asked}`;
    },
  });
  await becomes(fresh, "open");
  expect(peer.offered.slice(1)).toEqual([
    ["streamer.v1", "bearer.token1"],
    ["streamer.v1", "bearer.token3"],
  ]);
});

it("keeps trying with a growing, capped, jittered wait, and gives up where told to", async () => {
  const clock = createManualClock();
  const waits: number[] = [];
  await using client = connect("ws://127.0.0.1:9", {
    token: "t",
    clock,
    random: () => 1,
    reconnect: { baseMs: 100, capMs: 500, maxAttempts: 5 },
  });
  const run = client.request("work");
  client.onState((state) => {
    if (state.status !== "waiting") return;
    waits.push(state.retryInMs);
    queueMicrotask(() => clock.advance(state.retryInMs));
  });
  await expect(run.result).rejects.toMatchObject({ code: "CANNOT_CONNECT" });
  expect(waits).toEqual([200, 400, 500, 500]);
});

it("says at once that there is no token, and of a function that got none why it waits", async () => {
  for (const token of [undefined, ""] as string[])
    expect(() => connect("ws://127.0.0.1:1", { token })).toThrow("No token: give a string or a function that returns one.");
  await using peer = await startPeer();
  await using client = open(peer, { token: () => undefined as unknown as string });
  await expect.poll(() => client.state).toMatchObject({ status: "waiting", error: { message: "No token could be had: undefined" } });
  expect(peer.offered).toEqual([]);
});

it("refuses an address that is none", () => {
  expect(() => connect("localhost:8080", { token: "t" })).toThrow(/no address of a server/);
});
