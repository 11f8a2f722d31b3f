/** What is stored is counted beside the rows that hold it, and is what they hold: through deaths and lost writes too (P14). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { blobPrefix, type Owner } from "@streamer/core";
import {
  ALICE,
  BOB,
  CANCEL_EVENTS,
  COMPLETED,
  DAY_MS,
  FAILED,
  LEASE_MS,
  UNLIMITED,
  claimed,
  created,
  partial,
  progress,
  retrying,
  running,
  submission,
} from "@streamer/contract/samples";
import { createItems, type Items } from "../src/dynamodb/items.ts";
import { countedIn } from "../src/requests/row-bytes.ts";
import type { RequestRow } from "../src/requests/rows.ts";
import { createStored, type Stored } from "../src/requests/stored.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

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

const TEXT = "x".repeat(10_000);
const MINE = { payload: TEXT, retentionMs: DAY_MS };
const acknowledgment = { type: "acknowledgment", status: "queued", message: "again" } as const;

/** What the count has, found by asking. */
async function stored(owner: Owner = ALICE): Promise<number> {
  const full = await harness.engine.requests.full(owner, { ...UNLIMITED, storedBytesPerUser: -1 });
  return full?.bytes ?? 0;
}
async function held(...ids: readonly string[]): Promise<number> {
  const requests = createItems(cloud.client, harness.tables.requests);
  const rows = await requests.getAll<RequestRow>(ids.map((id) => ({ pk: submission(id).key })));
  return rows.reduce((sum, row) => sum + countedIn(row), 0);
}
const forgetAll = (): Promise<number> => harness.engine.requests.purge(100, (gone) => harness.engine.blobs.removeAll(blobPrefix(gone)));

it("P14 what is counted is what the rows hold, whatever happens to them, and nothing once they are forgotten", async () => {
  const { engine, clock } = harness;
  const { requests } = engine;
  const ids = ["done", "dead", "again", "stopped", "waits"];
  const done = await running(engine, "done", MINE);
  await requests.advance(done.lease, { events: [progress(1), partial(0), partial(1, TEXT)], checkpoint: TEXT, leaseMs: LEASE_MS });
  await requests.advance(done.lease, { events: [partial(2)], checkpoint: "", leaseMs: LEASE_MS });
  await engine.blobs.put(`${blobPrefix(done.lease.key)}a.txt`, TEXT);
  await requests.advance(done.lease, { events: [progress(50), partial(3, TEXT)], leaseMs: LEASE_MS });
  await requests.settle(done.lease, COMPLETED);
  const dead = await running(engine, "dead", MINE);
  await requests.advance(dead.lease, { events: [], checkpoint: TEXT, leaseMs: LEASE_MS });
  await requests.settle(dead.lease, FAILED);
  const again = await running(engine, "again", MINE);
  await requests.reschedule(again.lease, { runAt: clock.now(), events: [retrying(1, clock.now())] });
  await requests.settle((await claimed(engine, again.lease.key)).lease, FAILED);
  await requests.redrive(again.lease.key, acknowledgment, { limits: UNLIMITED, permissions: [] });
  await created(engine, "stopped", MINE);
  await requests.requestCancel(submission("stopped").key, CANCEL_EVENTS);
  await created(engine, "waits", { ...MINE, claim: { leaseMs: LEASE_MS } });
  expect(await stored()).toBe(await held(...ids));
  expect(await stored()).toBeGreaterThan(100_000);
  await requests.requestCancel(again.lease.key, CANCEL_EVENTS);
  await requests.settle({ key: submission("waits").key, attempt: 1 }, COMPLETED);
  expect(await stored()).toBe(await held(...ids));
  await clock.advance(DAY_MS + 1_000);
  expect(await forgetAll()).toBe(ids.length);
  expect(await stored()).toBe(0);
});

it("P14 what a run says little by little is counted by its end", async () => {
  const { engine } = harness;
  const { lease } = await running(engine, "r1", MINE);
  const before = await stored();
  await engine.requests.advance(lease, { events: [partial(0, "x".repeat(1_000))], leaseMs: LEASE_MS });
  expect(await stored()).toBe(before);
  for (let n = 1; n < 6; n += 1) {
    await engine.requests.advance(lease, { events: [partial(n, "x".repeat(1_000))], leaseMs: LEASE_MS });
  }
  expect(await stored()).toBeGreaterThan(before + 4_000);
  await engine.requests.settle(lease, COMPLETED);
  expect(await stored()).toBeGreaterThan(before + 6_000);
});

it("P14 a file counts once under its name, until it is removed", async () => {
  const { engine } = harness;
  const { lease } = await running(engine, "r1", MINE);
  const before = await stored();
  const key = `${blobPrefix(lease.key)}a.txt`;
  await engine.blobs.put(key, TEXT);
  expect((await stored()) - before).toBe(14_096);
  await engine.blobs.put(key, TEXT.slice(0, 5_000));
  expect((await stored()) - before).toBe(9_096);
  // The run's next write knows nothing of it.
  await engine.requests.advance(lease, { events: [progress(1)], leaseMs: LEASE_MS });
  expect((await stored()) - before).toBe(9_096);
  await engine.blobs.removeAll(key);
  expect(await stored()).toBe(before);
  expect(await stored(BOB)).toBe(0);
});

it("P14 a file that is stored hides no cancellation from its run", async () => {
  const { engine } = harness;
  const { lease } = await running(engine, "r1", MINE);
  await harness.another("other").requests.requestCancel(lease.key, CANCEL_EVENTS);
  await engine.blobs.put(`${blobPrefix(lease.key)}a.txt`, TEXT);
  const advanced = await engine.requests.advance(lease, { events: [progress(1)], leaseMs: LEASE_MS });
  expect(advanced).toMatchObject({ cancelRequested: true, frames: [{ kind: "durable" }, { kind: "progress" }] });
});

it("P14 an id that is sent anew after its retention counts for the new request alone", async () => {
  const { engine, clock } = harness;
  const { lease } = await running(engine, "r1", MINE);
  await engine.requests.settle(lease, COMPLETED);
  await clock.advance(DAY_MS + 1_000);
  await created(engine, "r1", { ...MINE, payload: "small" });
  expect(await stored()).toBe(await held("r1"));
  expect(await stored()).toBeLessThan(2_000);
});

it("P14 P4 what is refused, or there already, stores no object", async () => {
  const { engine } = harness;
  const puts: string[] = [];
  const send = cloud.s3.send.bind(cloud.s3);
  cloud.s3.send = (async (command: { readonly constructor: { readonly name: string } }) => {
    puts.push(command.constructor.name);
    return send(command as never);
  }) as never;
  try {
    await created(engine, "r1", MINE);
    expect(puts).toEqual(["PutObjectCommand"]);
    await engine.requests.submit(submission("r1", MINE));
    const limits = { ...UNLIMITED, storedBytesPerUser: 12_000 };
    expect(await engine.requests.submit(submission("r2", { ...MINE, limits }))).toMatchObject({ outcome: "full" });
    expect(puts).toHaveLength(1);
  } finally {
    cloud.s3.send = send;
  }
});

it("P14 a count that a death left behind refuses nobody for longer than a minute", async () => {
  const { engine, clock } = harness;
  const limits = { ...UNLIMITED, storedBytesPerUser: 30_000 };
  await created(engine, "r1", { ...MINE, limits });
  // Counted, and its process died before it was written.
  const counts = countsOf();
  await counts.reserve(ALICE, 15_000, limits);
  await counts.add(BOB, 7);
  expect(await engine.requests.submit(submission("r2", { ...MINE, limits }))).toMatchObject({ outcome: "full" });
  await clock.advance(61_000);
  await created(engine, "r2", { ...MINE, limits });
  expect(await stored()).toBe(await held("r1", "r2"));
  // There is no room for a third, however long it waits.
  await clock.advance(61_000);
  expect(await engine.requests.submit(submission("r3", { ...MINE, limits }))).toMatchObject({ outcome: "full" });
});

it("P14 a count that cannot be written fails no request, and is no more than what was written", async () => {
  const warned: string[] = [];
  const broken = { update: () => Promise.reject(new Error("throttled")) } as unknown as Items;
  await countsOf(broken, (message) => warned.push(message)).add(ALICE, 100);
  expect(warned).toEqual(["what is stored was not counted; the count is put right when it refuses"]);
  expect(await stored()).toBe(0);
});

it("P14 what is given back twice leaves no room that is not there", async () => {
  const counts = countsOf();
  await counts.add(ALICE, 1_000);
  await counts.add(ALICE, -1_000);
  await counts.add(ALICE, -1_000);
  await created(harness.engine, "r1", MINE);
  expect(await stored()).toBe(await held("r1"));
});

function countsOf(items: Items = createItems(cloud.client, harness.tables.limits), warn: (message: string) => void = () => {}): Stored {
  const requests = createItems(cloud.client, harness.tables.requests);
  const log = { ...silent, warn: (_: object, message: string) => warn(message) };
  return createStored({ items, requests, storedOf: async () => [], now: () => harness.clock.now(), log });
}
