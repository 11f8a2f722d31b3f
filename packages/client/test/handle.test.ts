import { expect, it } from "vitest";
import { connect, type Client, type ConnectOptions, type Presence, type RunReference, type RunState } from "../src/index.ts";
import { startPeer, type FakePeer } from "./fake-peer.ts";
import { createManualClock } from "./manual-clock.ts";

const open = (peer: FakePeer, options: Partial<ConnectOptions> = {}): Client =>
  connect(peer.url, { token: "t0", reconnect: { baseMs: 1, capMs: 5 }, ...options });

async function opened(client: Client): Promise<void> {
  await expect.poll(() => client.state.status).toBe("open");
}

const done = { type: "complete", result: { n: 1 }, metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } } as const;
const ack = { type: "acknowledgment", status: "queued", message: "" } as const;
const isRequest = ({ type }: { type: string }): boolean => type === "request";
const isSubscribe = ({ type }: { type: string }): boolean => type === "subscribe";
const isUnsubscribe = ({ type }: { type: string }): boolean => type === "unsubscribe";
const kept = (run: object): RunReference => JSON.parse(JSON.stringify(run)) as RunReference;

it("tells each change of a run's state, in order, until told to stop", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", 1, { id: "r1" });
  const [all, some]: [RunState[], RunState[]] = [[], []];
  run.onState((state) => all.push(state));
  const stop = run.onState((state) => some.push(state));
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await expect.poll(() => some.length).toBe(1);
  stop();
  peer.say({ type: "progress", request_id: "r1", seq: 2, percentage: 40, attempt: 1 });
  peer.say({ ...done, request_id: "r1", seq: 3 });
  await run.result;
  expect(all.map(({ status, progress }) => [status, progress?.percentage])).toEqual([
    ["PENDING", undefined],
    ["PROCESSING", 40],
    ["COMPLETED", 40],
  ]);
  expect(all.at(-1)).toBe(run.state);
  expect(some).toHaveLength(1);
});

it("P6: a kept run goes on in another client after the last seq it saw", async () => {
  await using peer = await startPeer();
  await using before = open(peer);
  const run = before.request("work", 1, { id: "r1" });
  await peer.hear(isRequest);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await run.accepted;
  const reference = kept(run);
  expect(reference).toEqual({ id: "r1", after: 1, epoch: "e1" });
  await before.close();

  await using after = open(peer);
  const again = after.attach(reference);
  expect(await peer.hear(isSubscribe)).toMatchObject({ request_id: "r1", after: 1 });
  peer.say({ ...done, request_id: "r1", seq: 2 });
  expect(await again.result).toEqual({ n: 1 });
});

it("a kept run shows at once how far the request is, though that was told before, and then what it missed", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.attach({ id: "r1", after: 4 });
  const percentages: number[] = [];
  const reading = (async () => {
    for await (const { percentage } of run.progress) percentages.push(percentage);
  })();
  const { ref } = (await peer.hear(isSubscribe)) as { ref: string };
  const now = { action: "work", status: "PROCESSING", attempt: 2, created_at: 1, progress: { percentage: 60 } } as const;
  peer.say({ type: "snapshot", request_id: "r1", seq: 5, ...now, recovered: true, ref });
  peer.say({ type: "partial", request_id: "r1", seq: 5, stream: "rows", index: 3, data: 1 });
  await expect.poll(() => run.toJSON().after).toBe(5);
  expect(run.state).toMatchObject({ status: "PROCESSING", attempt: 2, progress: { percentage: 60 } });
  peer.say({ ...done, request_id: "r1", seq: 6 });
  await reading;
  expect(percentages).toEqual([60]);
});

it("P4: a run that was kept before its answer came is sent again under its id", async () => {
  await using peer = await startPeer();
  await using before = open(peer);
  const reference = kept(before.request("work", { a: 1 }, { id: "r1" }));
  await peer.hear(isRequest);
  await before.close();

  await using after = open(peer);
  const again = after.attach(reference);
  expect(await peer.hear(isRequest, 2)).toEqual({ type: "request", id: "r1", action: "work", payload: { a: 1 } });
  peer.say({ type: "response", request_id: "r1", success: true, data: 5, metadata: { processing_ms: 0 } });
  expect(await again.result).toBe(5);
});

it("P6: a run that was kept from another store asks for the snapshot alone", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  client.attach({ id: "r1", after: 7, epoch: "e0" });
  expect(await peer.hear(isSubscribe)).toMatchObject({ request_id: "r1", after: Number.MAX_SAFE_INTEGER });
  await opened(client);
  client.attach({ id: "r2", after: 7, epoch: "e0" });
  expect(await peer.hear(isSubscribe, 2)).toMatchObject({ request_id: "r2", after: Number.MAX_SAFE_INTEGER });
});

it("P12: refuses to attach to what is no reference", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  for (const broken of [null, {}, { id: "r1" }, { id: "r1", after: "2" }, { id: 5, after: 0 }, { id: "r1", after: 0, frame: {} }]) {
    await expect(client.attach(broken as never).result).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
  }
  expect(peer.heard).toEqual([]);
});

it("stops following a second after the last handle was given up", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock });
  const first = client.attach("r1");
  const second = client.attach("r1");
  await peer.hear(isSubscribe);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await first.accepted;
  const waits = (): boolean => clock.pending.includes(1_000);
  first.detach();
  first.detach();
  await expect.poll(waits).toBe(true);
  clock.advance(1_000);
  second.detach();
  await expect.poll(waits).toBe(true);
  const third = client.attach("r1");
  clock.advance(1_000);
  peer.say({ type: "progress", request_id: "r1", seq: 2, percentage: 40, attempt: 1 });
  await expect.poll(() => third.state.progress?.percentage).toBe(40);
  expect(peer.heard.filter(isUnsubscribe)).toEqual([]);

  third.detach();
  await expect.poll(waits).toBe(true);
  const receipt = third.cancel();
  clock.advance(1_000);
  await expect(third.result).rejects.toMatchObject({ code: "DETACHED", requestId: "r1" });
  await expect(receipt).rejects.toMatchObject({ code: "DETACHED" });
  expect(await peer.hear(isUnsubscribe)).toEqual({ type: "unsubscribe", request_id: "r1" });
  expect(third.state.status).toBe("PROCESSING");
});

it("P1: giving up a handle takes nothing back that the server has not answered", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock });
  const run = client.request("work", 1, { id: "r1" });
  run.detach();
  await peer.hear(isRequest);
  clock.advance(5_000);
  peer.cut();
  await expect.poll(() => client.state.status).toBe("waiting");
  clock.advance(5_000);
  await peer.hear(isRequest, 2);
  peer.say({ ...ack, request_id: "r1", seq: 1 });
  await run.accepted;
  await expect.poll(() => clock.pending.includes(1_000)).toBe(true);
  clock.advance(1_000);
  await peer.hear(isUnsubscribe);
});

interface ManualPresence extends Presence {
  isOffline: boolean;
  look(): void;
}

function createManualPresence(): ManualPresence {
  const watchers = new Set<() => void>();
  return {
    isOffline: false,
    watch(call) {
      watchers.add(call);
      return () => watchers.delete(call);
    },
    look() {
      for (const call of watchers) call();
    },
  };
}

it("dials at once when the machine is online again, and no sooner than the cap while it is not", async () => {
  await using peer = await startPeer();
  const [clock, presence] = [createManualClock(), createManualPresence()];
  await using client = open(peer, { clock, presence, reconnect: { baseMs: 1, capMs: 700 }, random: () => 0.5 });
  await opened(client);
  presence.isOffline = true;
  peer.cut();
  await expect.poll(() => client.state).toMatchObject({ status: "waiting", retryInMs: 700 });
  presence.look();
  expect(client.state.status).toBe("waiting");
  presence.isOffline = false;
  presence.look();
  await opened(client);
  expect(peer.offered).toHaveLength(2);
  expect(clock.pending).not.toContain(700);
});

it("asks a link that looks open when the page is shown again, and gives it up when it does not answer", async () => {
  await using peer = await startPeer();
  const [clock, presence] = [createManualClock(), createManualPresence()];
  await using client = open(peer, { clock, presence, pongTimeoutMs: 40 });
  await opened(client);
  await peer.until(() => peer.pings === 1);
  presence.look();
  await peer.until(() => peer.pings === 2);
  peer.stalled = true;
  clock.advance(1);
  presence.look();
  await peer.until(() => peer.pings === 3);
  clock.advance(40);
  await expect.poll(() => client.state).toMatchObject({ status: "waiting", error: { code: "CANNOT_CONNECT" } });
});

it("knows why a request waits: as told, after a reconnect, and from a snapshot alone", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const run = client.request("work", {}, { id: "r1", delayMs: 5_000 });
  await peer.hear(({ type }) => type === "request");
  const about = { request_id: "r1", timestamp: 1_000 };
  peer.say({ ...about, type: "acknowledgment", seq: 1, status: "queued", message: "", waiting_for: "scheduled", until: 6_000 });
  await run.accepted;
  expect(run.state.waiting).toEqual({ reason: "scheduled", until: 6_000 });
  peer.say({ ...about, type: "waiting", seq: 2, reason: "queue", position: 4, eta: { p50_ms: 7, p90_ms: 9 } });
  await expect.poll(() => run.state).toMatchObject({ status: "PENDING", waiting: { reason: "queue", position: 4 }, eta: { p50Ms: 7 } });
  peer.say({ ...about, type: "waiting", seq: 3, reason: "tenant_concurrency" });
  await expect.poll(() => run.state.waiting).toEqual({ reason: "tenant_concurrency" });
  expect(run.state.eta).toBeUndefined();

  const snapshot = { ...about, type: "snapshot", action: "work", status: "PENDING", attempt: 0, created_at: 1, recovered: true } as const;
  peer.say({ ...snapshot, seq: 3, run_at: 900 });
  const other = client.attach("r2", { after: 5 });
  await peer.hear(({ type }) => type === "subscribe");
  peer.say({ ...snapshot, request_id: "r2", seq: 5, status: "RETRYING", attempt: 1, run_at: 8_000 });
  await expect.poll(() => other.state.waiting).toEqual({ reason: "backoff", until: 8_000 });
  expect(run.state.waiting).toEqual({ reason: "tenant_concurrency" });

  const ended = client.attach("r3", { after: 5 });
  await peer.hear(({ type }) => type === "subscribe", 2);
  const error = { code: "CANCELLED", message: "c" } as const;
  peer.say({ ...snapshot, request_id: "r3", seq: 5, status: "CANCELLED", run_at: 8_000, error });
  await expect(ended.result).rejects.toMatchObject({ code: "CANCELLED" });
  expect(ended.state.waiting).toBeUndefined();

  peer.say({ ...about, type: "partial", seq: 4, stream: "rows", index: 0, data: 1 });
  await expect.poll(() => run.state).toMatchObject({ status: "PROCESSING" });
  expect(run.state.waiting).toBeUndefined();
});

it("after a reload shows why a request waits, and how its last attempt failed", async () => {
  await using peer = await startPeer();
  await using client = open(peer);
  const about = { type: "snapshot", action: "work", created_at: 1, recovered: true, timestamp: 1_000, seq: 4 } as const;
  const error = { code: "PROCESSING_FAILED", message: "the database hung up", retry: { retryable: true } } as const;
  const [queued, retrying] = [client.attach({ id: "r1", after: 4 }), client.attach({ id: "r2", after: 4 })];
  await peer.hear(isSubscribe, 2);
  peer.say({ ...about, request_id: "r1", status: "PENDING", attempt: 0, run_at: 900, waiting_for: "queue", position: 3 });
  peer.say({ ...about, request_id: "r2", status: "RETRYING", attempt: 1, run_at: 8_000, waiting_for: "backoff", error });
  await expect.poll(() => queued.state.waiting).toEqual({ reason: "queue", position: 3 });
  await expect
    .poll(() => retrying.state)
    .toMatchObject({
      status: "RETRYING",
      waiting: { reason: "backoff", until: 8_000 },
      error: { code: "PROCESSING_FAILED", message: "the database hung up", requestId: "r2" },
    });
  peer.say({ type: "waiting", request_id: "r2", seq: 5, reason: "queue", position: 1 });
  await expect.poll(() => retrying.state.waiting?.reason).toBe("queue");
  expect(retrying.state).toMatchObject({ status: "RETRYING", error: { code: "PROCESSING_FAILED" } });
  peer.say({ type: "progress", request_id: "r2", seq: 6, percentage: 1, attempt: 2 });
  await expect.poll(() => retrying.state.status).toBe("PROCESSING");
  expect(retrying.state.error).toBeUndefined();
  peer.say({ type: "retrying", request_id: "r2", seq: 7, attempt: 2, retry_at: 9_000, error });
  await expect.poll(() => retrying.state).toMatchObject({ status: "RETRYING", error: { code: "PROCESSING_FAILED" } });
  peer.say({ ...done, request_id: "r2", seq: 8 });
  expect(await retrying.result).toEqual({ n: 1 });
  expect(retrying.state.error).toBeUndefined();
});

it("counts what is left by the server's clock, also of what was told long before this client came", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock });
  const run = client.attach("r1");
  const { ref } = (await peer.hear(isSubscribe)) as { ref: string };
  // The peer's clock stands at 1,000 when it greets: what it acknowledged 800 ms ago is told again.
  const now = { action: "work", status: "PENDING", attempt: 0, created_at: 200 } as const;
  peer.say({ type: "snapshot", request_id: "r1", seq: 1, ...now, recovered: true, ref });
  peer.say({ ...ack, request_id: "r1", seq: 1, timestamp: 200, estimated_ms: 3_000, eta: { p50_ms: 5_000, p90_ms: 10_000 } });
  await run.accepted;
  await expect.poll(() => run.remaining()).toEqual({ p50Ms: 4_200, p90Ms: 9_200 });
  clock.advance(60_000);
  expect(run.remaining()).toEqual({ p50Ms: 3_000, p90Ms: 6_000 });
  expect(run.state).toMatchObject({ eta: { p50Ms: 5_000, p90Ms: 10_000 }, toldAt: 200, estimatedMs: 3_000 });
  peer.say({
    type: "progress",
    request_id: "r1",
    seq: 2,
    timestamp: 60_500,
    percentage: 10,
    attempt: 1,
    eta: { p50_ms: 2_000, p90_ms: 4_000 },
  });
  await expect.poll(() => run.remaining()).toEqual({ p50Ms: 1_500, p90Ms: 3_500 });
  clock.advance(60_000);
  expect(run.remaining()).toEqual({ p50Ms: 0, p90Ms: 0 });
});
