/** Retention: what has ended stays readable for its time, then is expired, then forgotten (P7). */
import type { RequestKey } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { UNLIMITED, ALICE, CANCEL_EVENTS, COMPLETED, DAY_MS, FAILED, created, record, running, submission, terms } from "../samples.ts";

const RETENTION_MS = 2 * DAY_MS;
const nothing = (): Promise<void> => Promise.resolve();

async function ended({ engine }: Pick<Harness, "engine">, requestId: string, settlement = COMPLETED) {
  const { lease } = await running(engine, requestId, { retentionMs: RETENTION_MS });
  await engine.requests.settle(lease, settlement);
  return lease.key;
}

export function retentionContract(test: ContractTest): void {
  test("P7 state and result are readable until retention ends, counted from the end of the request", async (harness) => {
    const { engine, clock } = harness;
    const { lease } = await running(engine, "r1", { retentionMs: RETENTION_MS });
    await clock.advance(10_000);
    await engine.requests.settle(lease, COMPLETED);
    await clock.advance(RETENTION_MS - 1);
    expect(await record(engine, lease.key)).toMatchObject({ status: "COMPLETED", result: { ok: true } });
    await clock.advance(1);
    expect(await engine.requests.get(lease.key)).toEqual({ outcome: "expired" });
  });

  test("P7 what is expired is absent before anything has swept it", async (harness) => {
    const { engine, clock } = harness;
    const key = await ended(harness, "r1", FAILED);
    await clock.advance(RETENTION_MS);
    expect(await engine.requests.requestCancel(key, CANCEL_EVENTS)).toEqual({ outcome: "expired" });
    expect(await engine.requests.redrive(key, { type: "acknowledgment", status: "queued", message: "" })).toEqual({ outcome: "expired" });
    expect((await engine.requests.list({ ...ALICE, limit: 10 })).records).toEqual([]);
  });

  test("P4 P7 after retention an id is free again", async (harness) => {
    const { engine, clock } = harness;
    const key = await ended(harness, "r1");
    await clock.advance(RETENTION_MS);
    await created(engine, "r1", { payload: "another" });
    expect(await record(engine, key)).toMatchObject({ status: "PENDING", attempt: 0, seq: 1 });
    expect(await engine.requests.claim(terms(5))).toMatchObject([{ payload: "another", lease: { attempt: 1 } }]);
  });

  test("P4 P7 after retention an idempotency key is free again", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1", { idempotencyKey: "k", retentionMs: RETENTION_MS });
    await engine.requests.settle(lease, COMPLETED);
    await clock.advance(RETENTION_MS);
    await created(engine, "r2", { idempotencyKey: "k", payload: "another" });
    // What had it before is forgotten in its own time, with all that belongs to it.
    expect(await engine.requests.get(lease.key)).toEqual({ outcome: "expired" });
    const released: RequestKey[] = [];
    await engine.requests.purge(100, async (key) => void released.push(key));
    expect(released).toEqual([lease.key]);
  });

  test("P7 a request that is refused takes nothing away: what is expired under its id is left to the purge", async (harness) => {
    const { engine, clock } = harness;
    const key = await ended(harness, "r1");
    await clock.advance(RETENTION_MS);
    await created(engine, "waiting");
    const outcome = await engine.requests.submit(
      submission("r1", { payload: "another", limits: { ...UNLIMITED, queued: 1, queuedPerTenant: 1 } }),
    );
    expect(outcome.outcome).toBe("refused");
    expect(await engine.requests.get(key)).toEqual({ outcome: "expired" });
    const released: RequestKey[] = [];
    expect(await engine.requests.purge(10, (one) => Promise.resolve(void released.push(one)))).toBe(1);
    expect(released).toEqual([key]);
  });

  test("P7 what has not ended never expires", async ({ engine, clock }) => {
    await created(engine, "waiting", { retentionMs: 1_000 });
    await created(engine, "later", { retentionMs: 1_000, runAt: clock.now() + 30 * DAY_MS });
    await clock.advance(10 * DAY_MS);
    expect(await engine.requests.purge(100, nothing)).toBe(0);
    expect(await record(engine, submission("waiting").key)).toMatchObject({ status: "PENDING" });
    expect(await record(engine, submission("later").key)).toMatchObject({ status: "PENDING" });
  });

  test("P7 purge forgets what is expired, names each once, and no more at a time than asked", async (harness) => {
    const { engine, clock } = harness;
    const keys = [];
    for (const id of ["r1", "r2", "r3"]) keys.push(await ended(harness, id));
    await clock.advance(RETENTION_MS - 1_000);
    const young = await ended(harness, "young");
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    await clock.advance(1_000);
    const released: RequestKey[] = [];
    const purge = () => engine.requests.purge(2, (key) => Promise.resolve(void released.push(key)));
    expect([await purge(), await purge(), await purge()]).toEqual([2, 1, 0]);
    expect(released.toSorted()).toEqual(keys.toSorted());
    for (const key of keys) {
      expect((await engine.requests.get(key)).outcome).toBeOneOf(["expired", "unknown"]);
      expect(await engine.events.after(key, 0, 10)).toEqual([]);
    }
    expect(await record(engine, young)).toMatchObject({ status: "COMPLETED" });
  });

  test("P7 what belongs to an expired request goes before it: a purge that fails half way is made again", async (harness) => {
    const { engine, clock } = harness;
    const key = await ended(harness, "r1");
    await clock.advance(RETENTION_MS);
    const fails = engine.requests.purge(10, () => Promise.reject(new Error("the disk is away")));
    await expect(fails).rejects.toThrow("the disk is away");
    const released: RequestKey[] = [];
    expect(await engine.requests.purge(10, (one) => Promise.resolve(void released.push(one)))).toBe(1);
    expect(released).toEqual([key]);
  });

  test("P7 what cannot be forgotten holds up nothing else, is named, and is tried again after all else", async (harness) => {
    const { engine, clock } = harness;
    const keys: RequestKey[] = [];
    for (const id of ["r1", "r2", "r3", "r4"]) {
      keys.push(await ended(harness, id));
      await clock.advance(1_000);
    }
    await clock.advance(RETENTION_MS);
    const [stuck] = keys;
    const released: RequestKey[] = [];
    const release = async (key: RequestKey): Promise<void> => {
      if (key === stuck && released.length < 3) throw new Error("the file is busy");
      released.push(key);
    };
    await expect(engine.requests.purge(2, release)).rejects.toThrow(/^1 requests? .*r1.*the file is busy/);
    expect(released).toEqual([keys[1]]);
    expect(await engine.requests.purge(2, release)).toBe(2);
    expect(await engine.requests.purge(2, release)).toBe(1);
    expect(released).toEqual([keys[1], keys[2], keys[3], stuck]);
  });

  test("P4 P7 a request sent anew while its old self is being forgotten stays", async (harness) => {
    const { engine, clock } = harness;
    const key = await ended(harness, "r1");
    await clock.advance(RETENTION_MS);
    expect(await engine.requests.purge(10, async () => void (await created(engine, "r1")))).toBe(0);
    expect(await record(engine, key)).toMatchObject({ status: "PENDING" });
  });

  test("P9 a redriven dead letter is kept until its new end", async (harness) => {
    const { engine, clock } = harness;
    const key = await ended(harness, "r1", FAILED);
    await clock.advance(RETENTION_MS - 1);
    await engine.requests.redrive(key, { type: "acknowledgment", status: "queued", message: "again" });
    await clock.advance(RETENTION_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    expect(await record(engine, key)).toMatchObject({ status: "PENDING" });
  });
}
