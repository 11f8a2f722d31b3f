/** Rows that need not be read again: what changes them otherwise makes them forgotten. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestKey } from "@streamer/core";
import { createManualClock } from "@streamer/contract";
import { ALICE, COMPLETED, created, submission, terms } from "@streamer/contract/samples";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createEmbeddedEngine, type EmbeddedEngine } from "../src/engine.ts";
import { createRowImages, type Image } from "../src/requests/row-images.ts";
import { openDatabase, type Database } from "../src/sqlite/database.ts";
import { silent } from "./harness.ts";

const image = (id: number, payload = ""): Image =>
  ({ row: { id, key: `t/u/${id}` }, input: { payload, metadata: "", permissions: "" }, hasCheckpoint: false }) as unknown as Image;
const key = (id: number): RequestKey => `t/u/${id}` as RequestKey;

it("are found by key and by id, until they are dropped or the write that put them is undone", () => {
  const undo: (() => void)[] = [];
  const images = createRowImages({ note: (back) => void undo.push(back) });
  images.put(image(1));
  images.put(image(2));
  expect(images.of(key(1))).toBe(images.byId(1));
  images.drop(1);
  expect([images.of(key(1)), images.byId(1)]).toEqual([undefined, undefined]);
  undo[1]!();
  expect(images.of(key(2))).toBeUndefined();
  images.drop(2);
});

it("P14 are bounded: the oldest make way", () => {
  const images = createRowImages({ note: () => {} });
  const large = "x".repeat(1_048_576);
  for (let id = 1; id <= 40; id += 1) images.put(image(id, large));
  expect(images.byId(1)).toBeUndefined();
  expect(images.byId(40)).toBeDefined();
});

let folder: string;
let database: Database;
let engine: EmbeddedEngine;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "streamer-images-"));
  database = openDatabase(folder);
  engine = await createEmbeddedEngine({
    database,
    dataFolder: folder,
    clock: createManualClock(),
    log: silent,
    publicUrl: () => "http://127.0.0.1",
    onRunnable: () => {},
  });
});
afterEach(() => {
  engine.close();
  rmSync(folder, { recursive: true });
});

it("P3 are forgotten when a statement without a checksum of its own changes the row", async () => {
  await created(engine, "r1");
  database.db.exec("UPDATE requests SET max_attempts = 7 WHERE key = 'acme/alice/r1'");
  const [claim] = await engine.requests.claim(terms(1));
  expect(claim).toMatchObject({ maxAttempts: 7 });
  database.db.exec("UPDATE requests SET bytes = bytes + 11 WHERE key = 'acme/alice/r1'");
  await engine.requests.settle(claim!.lease, COMPLETED);
  expect(database.db.prepare("SELECT max_attempts, bytes > 1035 AS counted FROM requests").get()).toEqual({ max_attempts: 7, counted: 1 });
  expect(await engine.requests.get(submission("r1").key)).toMatchObject({
    outcome: "found",
    record: { status: "COMPLETED", owner: ALICE },
  });
});

it("P5 are in step with what a run stores, and what it stores is intact", async () => {
  await created(engine, "r1");
  const [claim] = await engine.requests.claim(terms(1));
  const { lease } = claim!;
  const progress = (percentage: number) => ({ type: "progress", percentage, attempt: 1 }) as const;
  await engine.requests.advance(lease, { events: [progress(1)], leaseMs: 1_000 });
  database.db.exec("UPDATE requests SET max_attempts = 7 WHERE key = 'acme/alice/r1'");
  await engine.requests.advance(lease, { events: [], checkpoint: { page: 2 }, leaseMs: 1_000 });
  await engine.requests.advance(lease, { events: [progress(2), progress(3)], leaseMs: 1_000 });
  const row = () =>
    database.db.prepare("SELECT max_attempts, seq, progress_seq, (SELECT count(*) FROM checkpoints) AS kept FROM requests").get();
  expect(row()).toEqual({ max_attempts: 7, seq: 4, progress_seq: 4, kept: 1 });
  expect(await engine.requests.get(submission("r1").key)).toMatchObject({ record: { progress: { percentage: 3 } } });
  await engine.requests.settle(lease, COMPLETED);
  expect(row()).toMatchObject({ max_attempts: 7, kept: 0 });
  expect(await engine.requests.get(submission("r1").key)).toMatchObject({ record: { status: "COMPLETED" } });
  const { bytes } = database.db.prepare("SELECT bytes FROM requests").get()!;
  const stored = database.db.prepare(`
    SELECT 1024 + octet_length(payload) + octet_length(metadata) + octet_length(permissions)
      + (SELECT sum(octet_length(text)) FROM events WHERE seq > 1) AS bytes FROM inputs`);
  expect(bytes).toBe(stored.get()!["bytes"]);
});

it("P1 of a write that is undone are not what is claimed: one that throws takes nothing else with it", async () => {
  const bad = engine.requests.submit(
    submission("bad", {
      acknowledge: () => {
        throw new Error("no word for it");
      },
    }),
  );
  const good = created(engine, "good");
  await expect(bad).rejects.toThrow("no word for it");
  await good;
  const claims = await engine.requests.claim(terms(5));
  expect(claims.map(({ requestId }) => requestId)).toEqual(["good"]);
  await engine.requests.settle(claims[0]!.lease, COMPLETED);
  expect(await engine.requests.get(submission("good").key)).toMatchObject({ record: { status: "COMPLETED" } });
});
