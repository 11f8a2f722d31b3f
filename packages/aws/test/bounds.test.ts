/** What an item holds, a query reads and a queue is sent is bounded, whatever requests live through (P2, P9, P12, P14). */
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  UNLIMITED,
  ALICE,
  COMPLETED,
  RECOVERY,
  claimed,
  created,
  failed,
  partial,
  record,
  replay,
  submission,
  terms,
} from "@streamer/contract/samples";
import { createStreamer, defineHandler, type EventBody, type RequestKey } from "@streamer/core";
import { systemChance } from "../src/chance.ts";
import { createSweep } from "../src/functions/entry/sweep.ts";
import { createMetrics } from "../src/functions/metrics.ts";
import { createInvoke } from "../src/functions/runtime.ts";
import { createStore, type StoreParts } from "../src/dynamodb/store.ts";
import { contextAt } from "./function-events.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const LEASE_MS = 30_000;
const KB = 1_024;
let cloud: Cloud;
let harness: AwsHarness;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
});
afterEach(() => harness.dispose());

/** Every item of a table, with what it weighs about. */
async function items(
  table: "requests" | "events",
): Promise<readonly { readonly pk: string; readonly bytes: number; readonly ttl: string }[]> {
  const { Items = [] } = await cloud.client.send(new ScanCommand({ TableName: harness.tables[table] }));
  return Items.map((item) => ({ pk: item["pk"]!.S!, bytes: Buffer.byteLength(JSON.stringify(item)), ttl: item["ttl"]?.N ?? "none" }));
}

const retrying = (attempt: number, message: string, retryAt: number): EventBody => ({
  type: "retrying",
  attempt,
  retry_at: retryAt,
  error: { code: "PROCESSING_FAILED", message },
});

describe("sizes", () => {
  it("P2 P5 a hundred attempts that fail with long words leave a small item, a whole story, and the end they come to", async () => {
    const { engine, clock } = harness;
    const metadata = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`k${n}`, "€".repeat(1_024)]));
    const { key } = submission("r1");
    await created(engine, "r1", { metadata, maxAttempts: 100 });
    for (let attempt = 1; attempt < 100; attempt += 1) {
      const { lease } = await claimed(engine, key);
      await engine.requests.advance(lease, { events: [partial(attempt)], leaseMs: LEASE_MS });
      const event = retrying(attempt, "€".repeat(1_000), clock.now());
      expect(await engine.requests.reschedule(lease, { runAt: clock.now(), events: [event] })).toMatchObject({ outcome: "written" });
      expect(await record(engine, key)).toMatchObject({ status: "RETRYING", error: { message: "€".repeat(1_000) }, metadata });
    }
    const { lease } = await claimed(engine, key);
    expect(await engine.requests.settle(lease, { status: "FAILED", events: [failed("at last")], runMs: 1 })).toMatchObject({
      outcome: "written",
    });
    expect(await record(engine, key)).toMatchObject({ status: "FAILED", error: { message: "at last" }, metadata });
    for (const pageSize of [1, 7, 1_000]) {
      const seqs = (await replay(engine, key, 0, pageSize)).map(({ seq }) => seq);
      expect(seqs, `in pages of ${pageSize}`).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    }
    expect((await replay(engine, key, 150, 3)).map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, at) => at + 151));
    for (const { bytes } of [...(await items("requests")), ...(await items("events"))]) expect(bytes).toBeLessThan(40 * KB);
  });

  it("partials of any size are small items, and come back as they were", async () => {
    const { engine } = harness;
    const { key } = submission("r1");
    await created(engine, "r1");
    const { lease } = await claimed(engine, key);
    const sizes = [10, 5_000, 200_000, 500_000];
    for (const [n, size] of sizes.entries()) {
      await engine.requests.advance(lease, { events: [partial(n, "é".repeat(size))], leaseMs: LEASE_MS });
    }
    const lengths = (await replay(engine, key, 1)).map(({ text }) => (JSON.parse(text) as { readonly data: string }).data.length);
    expect(lengths).toEqual(sizes);
    for (const { bytes } of await items("events")) expect(bytes).toBeLessThan(10 * KB);
  });

  it("P12 a request whose names and permissions no item holds is refused, and nothing of it is kept", async () => {
    const permissions = Array.from({ length: 4_000 }, (_, n) => `reports:read:department-${n}`);
    await expect(harness.engine.requests.submit(submission("r1", { permissions }))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await harness.engine.requests.get(submission("r1").key)).toEqual({ outcome: "unknown" });
    await created(harness.engine, "r2", {
      permissions: permissions.slice(0, 1_000),
      limits: { ...UNLIMITED, queued: 1, queuedPerTenant: 1 },
    });
  });

  it("P7 what belongs to an idempotency key goes with its request, and by itself should nobody come", async () => {
    const { engine, clock } = harness;
    await created(engine, "r1", { idempotencyKey: "k", retentionMs: 60_000 });
    const isKey = ({ pk }: { readonly pk: string }): boolean => pk.startsWith("key#");
    const item = (await items("requests")).find(isKey);
    expect(Number(item!.ttl) * 1_000).toBeGreaterThan(clock.now() + 60_000);
    const { lease } = await claimed(engine, submission("r1").key);
    await engine.requests.settle(lease, COMPLETED);
    await clock.advance(60_001);
    expect(await engine.requests.purge(10, async () => {})).toBe(1);
    expect((await items("requests")).filter(isKey)).toEqual([]);
    await created(engine, "r2", { idempotencyKey: "k" });
  });

  it("P7 an id that is sent anew before its old self was forgotten leaves nothing of that behind", async () => {
    const { engine, clock } = harness;
    const { key } = submission("r1");
    for (let life = 0; life < 3; life += 1) {
      await created(engine, "r1", { retentionMs: 60_000, payload: { large: "x".repeat(10_000), life } });
      const { lease } = await claimed(engine, key);
      await engine.requests.advance(lease, { events: [partial(life, "y".repeat(10_000)), partial(life)], leaseMs: LEASE_MS });
      await engine.requests.settle(lease, COMPLETED);
      expect((await replay(engine, key)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      await clock.advance(60_001);
    }
    expect((await items("events")).length).toBe(3);
    expect(await engine.requests.purge(10, async () => {})).toBe(3);
    expect(await items("events")).toEqual([]);
    expect((await items("requests")).map(({ pk }) => pk)).toEqual([key]);
    expect(await engine.requests.purge(10, async () => {})).toBe(0);
  });

  it("P7 requests that cannot be forgotten, more than one purge takes, hold up no other, and are named", async () => {
    const { engine, clock } = harness;
    const ids = Array.from({ length: 8 }, (_, n) => `r${n}`);
    for (const id of ids) {
      await created(engine, id, { retentionMs: 60_000 });
      await engine.requests.settle((await claimed(engine, submission(id).key)).lease, COMPLETED);
      await clock.advance(1);
    }
    await clock.advance(60_001);
    const stuck = new Set<RequestKey>(ids.slice(0, 4).map((id) => submission(id).key));
    const release = async (key: RequestKey): Promise<void> => {
      if (stuck.has(key)) throw new Error("AccessDenied");
    };
    await expect(engine.requests.purge(4, release)).rejects.toThrow(/4 requests .* AccessDenied/);
    expect(await engine.requests.purge(4, release)).toBe(4);
    stuck.clear();
    expect(await engine.requests.purge(10, release)).toBe(4);
  });
});

describe("queries", () => {
  it("P12 a list with a rare filter reads so many requests and no more, and goes on from its cursor", async () => {
    const { engine } = harness;
    for (let from = 0; from < 1_100; from += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => created(engine, `r${from + n}`)));
    }
    const { requests } = engine;
    const first = await requests.list({ ...ALICE, status: "FAILED", limit: 20 });
    expect(first).toMatchObject({ records: [], cursor: expect.any(String) });
    const second = await requests.list({ ...ALICE, status: "FAILED", limit: 20, cursor: first.cursor! });
    expect(second).toEqual({ records: [] });
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await requests.list({ ...ALICE, status: "PENDING", limit: 100, ...(cursor !== undefined && { cursor }) });
      for (const { requestId } of page.records) seen.add(requestId);
      ({ cursor } = page);
    } while (cursor !== undefined);
    expect(seen.size).toBe(1_100);
  });

  it("P9 of more late requests than are looked at in one go each has its turn, on whatever shard, at whatever time", async () => {
    const { engine, clock } = harness;
    const ids = Array.from({ length: 60 }, (_, n) => `r${n}`);
    // All runnable in the same millisecond, as a schedule makes them.
    const runAt = clock.now() + 1_000;
    await Promise.all(ids.map((id) => created(engine, id, { runAt })));
    await clock.advance(120_000);
    const late = engine.requests.late();
    const seen = new Set<string>();
    for (let round = 0; round < 12; round += 1) {
      const keys = await late(clock.now() - 60_000, 8);
      expect(keys.length).toBeLessThanOrEqual(8);
      for (const key of keys) seen.add(key);
    }
    expect(seen.size).toBe(60);
  });
});

describe("wakeups", () => {
  const handlers = [
    defineHandler({
      action: "work",
      input: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
      run: async () => 1,
    }),
  ];

  /** A sweep each minute, and what it sends and asks for. */
  const sweepOf = () => {
    const { clock } = harness;
    const engine = harness.another("sweep");
    const due: number[] = [];
    const asked: string[] = [];
    const delayQueue = { send: async (_: object, delayMs: number) => void due.push(clock.now() + delayMs) };
    const streamer = createStreamer({ engine, handlers, options: { inlineSlots: 0 } });
    const metrics = createMetrics("test", () => {});
    const invoke = createInvoke({ streamer, log: silent, metrics, clock, begin: () => {} });
    const parts = { engine: { ...engine, delayQueue }, streamer, log: silent, metrics, invoke };
    const sweep = createSweep(parts, async ({ key }) => void asked.push(key));
    return { due, asked, minute: () => sweep({}, contextAt(clock, 55_000)) };
  };

  it.each([
    [30_000, 0],
    [600_000, 0],
    [900_000, 0],
    [900_001, 1],
    [2_000_000, 1],
  ])("P9 a request that waits %i ms costs one message: of the sweeps' own %i", async (delayMs, messages) => {
    const { engine, clock } = harness;
    const { key } = submission("r1");
    const runAt = clock.now() + delayMs;
    await created(engine, "r1", { runAt });
    const { due, asked, minute } = sweepOf();
    while (clock.now() < runAt) {
      await minute();
      // Now and then two in one minute.
      await clock.advance(clock.now() % 7 < 3 ? 57_000 : 31_000);
    }
    expect(due).toEqual(Array.from({ length: messages }, () => runAt));
    expect(asked).toEqual([]);
    expect(await engine.requests.claim(terms(1, { key }))).toHaveLength(1);
  });

  it("P9 a retry whose message could not be sent is asked for by the sweep, within two minutes of its time", async () => {
    const { engine, clock } = harness;
    const { key } = submission("r1");
    await created(engine, "r1");
    const { lease } = await claimed(engine, key);
    const runAt = clock.now() + 5_000;
    // Its wakeup is refused: no message.
    await engine.requests.reschedule(lease, { runAt, events: [retrying(1, "no", runAt)] });
    const { asked, minute } = sweepOf();
    while (asked.length === 0 && clock.now() < runAt + 300_000) {
      await minute();
      await clock.advance(60_000);
    }
    expect(asked).toEqual([key]);
    expect(clock.now()).toBeLessThan(runAt + 180_000);
    expect(await engine.requests.claim(terms(1, { key }))).toMatchObject([{ failures: 1 }]);
  });
});

describe("what a process remembers of its runs", () => {
  it("P4 P8 is answered to nobody: an environment whose invocation failed tells what there is", async () => {
    let invocation = "first";
    const { clock, engine: other } = harness;
    const engine = harness.another(() => invocation);
    const { key } = submission("r1");
    await created(engine, "r1");
    await claimed(engine, key);
    await engine.requests.requestCancel(key, { whenWaiting: [], whenRunning: [{ type: "cancellation", stage: "requested" }] });
    // The invocation fails here; its environment serves the next, and another process takes the request back.
    invocation = "second";
    await clock.advance(LEASE_MS + 1);
    expect(await other.requests.recover(RECOVERY)).toMatchObject([{ outcome: "cancelled" }]);
    expect(await engine.requests.submit(submission("r1"))).toMatchObject({ outcome: "existing", record: { status: "CANCELLED" } });
    expect(await engine.requests.requestCancel(key, { whenWaiting: [], whenRunning: [] })).toMatchObject({ outcome: "too_late" });
  });

  it("P4 nor by the same process, when another has taken its lease meanwhile", async () => {
    const { clock, engine: other } = harness;
    const frozen = harness.another("frozen");
    const { key } = submission("r1");
    await created(frozen, "r1");
    const { lease } = await claimed(frozen, key);
    await clock.advance(LEASE_MS + 1);
    await other.requests.recover(RECOVERY);
    await other.requests.settle((await claimed(other, key)).lease, COMPLETED);
    expect(await frozen.requests.submit(submission("r1"))).toMatchObject({ outcome: "existing", record: { status: "COMPLETED" } });
    expect(await frozen.requests.advance(lease, { events: [], leaseMs: LEASE_MS })).toEqual({ outcome: "lost" });
  });

  it("P3 one that was frozen past its lease goes on when it comes back first, and not when another does", async () => {
    const { clock, engine: other } = harness;
    const frozen = harness.another("frozen");
    const { key } = submission("r1");
    await created(frozen, "r1");
    const { lease } = await claimed(frozen, key);
    await clock.advance(10 * LEASE_MS);
    expect(await frozen.requests.recover({ ...RECOVERY, isAlive: (one) => one.key === key && one.attempt === lease.attempt })).toEqual([]);
    expect(await frozen.requests.advance(lease, { events: [partial(0)], leaseMs: LEASE_MS })).toMatchObject({ outcome: "advanced" });
    expect(await other.requests.recover(RECOVERY)).toEqual([]);
    await clock.advance(LEASE_MS + 1);
    // Whatever another says of the living of this one.
    expect(await other.requests.recover({ ...RECOVERY, isAlive: () => true })).toMatchObject([{ outcome: "returned" }]);
    expect(await frozen.requests.advance(lease, { events: [partial(1)], leaseMs: LEASE_MS })).toEqual({ outcome: "lost" });
  });
});

it("a row that others write all the time is tried with pauses, and given up as a failure that can be tried again", async () => {
  const pauses: number[] = [];
  const conflict = Object.assign(new Error("conflict"), { name: "TransactionConflictException" });
  const parts = {
    client: { send: () => Promise.reject(conflict) },
    processId: () => "p",
    clock: harness.clock,
    chance: systemChance,
    requests: { table: "t", get: async () => undefined },
    stored: { add: async () => undefined },
    pause: async (ms: number) => void pauses.push(ms),
  } as unknown as StoreParts;
  const { key } = submission("r1");
  const next = { pk: key, key, status: "PENDING", run_at: 0, created_at: 0, tenant: "a", user: "b", log: [] };
  const written = createStore(parts).change(key, () => ({ next: next as never, answer: 1 }));
  await expect(written).rejects.toMatchObject({ code: "STORAGE_ERROR" });
  expect(pauses.length).toBeGreaterThan(20);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(250);
});
