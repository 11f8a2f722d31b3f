/**
 * A bulk operation that is stopped anywhere goes on where it stopped and applies nothing twice. Updates raise the
 * version of their entity, so a version says how often it was applied.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { isFatal, isRetryAfter, isStopped } from "@streamer/core";
import type { JsonValue } from "@streamer/protocol";
import { describe, expect, test } from "vitest";
import { createBulkOperation } from "../../src/bulk-operation/handler.ts";
import { startRun, type RunOptions } from "../run-handler.ts";
import { entitiesIn, freshFolder, numbered } from "./folder.ts";

const BATCHES = 5;
const items = numbered(BATCHES * 2);
const create = { operation_type: "create", entity_type: "counter", items, batch_size: 2 };
const update = { ...create, operation_type: "update", items: items.map(({ id, n }) => ({ id, n: n + 1_000 })) };

const attempt = (folder: string, input: unknown, options: RunOptions = {}) =>
  startRun(createBulkOperation({ folder }), input, { blobsFolder: folder, ...options });

async function filled(): Promise<string> {
  const folder = freshFolder();
  await (
    await attempt(folder, create)
  ).result;
  return folder;
}

const versions = (folder: string): readonly number[] => entitiesIn(folder, "counter").map(({ version }) => version);

describe("dying between the commit of a batch and its checkpoint", () => {
  test.each(Array.from({ length: BATCHES }, (_, batch) => batch))("batch %i is not applied again", async (batch) => {
    const folder = await filled();
    let stored: JsonValue | undefined;
    const first = await attempt(folder, update, {
      onCheckpoint: (state) => {
        if ((state as { applied: number }).applied === batch + 1) throw new Error("died here");
        stored = state;
      },
    });
    await expect(first.result).rejects.toThrow("died here");
    expect(versions(folder).filter((version) => version === 2)).toHaveLength((batch + 1) * 2);

    const second = await attempt(folder, update, { attempt: 2, resumed: stored! });
    const result = await second.result;
    expect(result.counts).toMatchObject({ updated: items.length, unchanged: 0 });
    expect(result.items!.map(({ index }) => index)).toEqual(items.map((_, index) => index));
    expect(versions(folder)).toEqual(items.map(() => 2));
    expect(second.reports[0]!.message).toBe(`${(batch + 1) * 2} of 10 items`);
  });

  test("dying after the last checkpoint, before the result is stored: the same result again", async () => {
    const folder = freshFolder();
    const first = await attempt(folder, { ...create, items: items.map(({ n }) => ({ n })) });
    const result = await first.result;
    const second = await attempt(folder, { ...create, items: items.map(({ n }) => ({ n })) }, { resumed: first.checkpoints.at(-1)! });

    expect(await second.result).toEqual(result);
    expect(entitiesIn(folder, "counter")).toHaveLength(items.length);
  });

  test("a process that is killed leaves whole batches only, and the next attempt completes them", async () => {
    const folder = await filled();
    const child = spawn(
      process.execPath,
      [fileURLToPath(import.meta.resolve("./die-in-checkpoint.ts")), folder, JSON.stringify(update), "3"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const [, signal] = (await once(child, "close")) as [number | null, string | null];
    expect(signal).toBe("SIGKILL");
    expect(versions(folder).filter((version) => version === 2)).toHaveLength(6);

    const lastStored = JSON.parse(printed.trimEnd().split("\n").at(-1)!) as JsonValue;
    expect(lastStored).toMatchObject({ applied: 2 });
    const result = await (await attempt(folder, update, { resumed: lastStored })).result;
    expect(result.counts.updated).toBe(items.length);
    expect(versions(folder)).toEqual(items.map(() => 2));
  });
});

test("two attempts at once, one not knowing its lease is lost, apply each item once", async () => {
  const folder = await filled();
  const bulk = createBulkOperation({ folder });
  const named: JsonValue = { run: "same", applied: 0 };
  const [old, current] = await Promise.all(
    [1, 2].map((count) => startRun(bulk, update, { attempt: count, resumed: named, blobsFolder: folder })),
  );

  const [first, second] = await Promise.all([old!.result, current!.result]);
  expect(first).toEqual(second);
  expect(versions(folder)).toEqual(items.map(() => 2));
});

test("cancelled between batches: it stops there, and says what was applied", async () => {
  const folder = freshFolder();
  const run = await attempt(folder, create, {
    onReport: ({ metadata }, { stop }) => {
      if (metadata.done === 4) stop("cancelled");
    },
  });
  await expect(run.result).rejects.toSatisfy(isStopped);
  expect(entitiesIn(folder, "counter")).toHaveLength(4);
  expect(run.reports.at(-1)!.metadata).toMatchObject({ done: 4, counts: { created: 4 } });
});

test("an attempt begins by saving its name, so that it is durable before anything is applied", async () => {
  const folder = freshFolder();
  const run = await attempt(folder, create, {
    onCheckpoint: () => {
      throw new Error("the store is down");
    },
  });
  await expect(run.result).rejects.toThrow("the store is down");
  expect(run.checkpoints).toEqual([{ run: expect.any(String), applied: 0 }]);
  const after = await attempt(folder, create);
  expect((await after.result).counts.created).toBe(items.length);
});

test("when the record of what was applied is gone it refuses to guess", async () => {
  const folder = freshFolder();
  const first = await attempt(folder, create);
  await first.result;
  rmSync(folder, { recursive: true });
  const second = await attempt(folder, create, { resumed: first.checkpoints[3]! });
  await expect(second.result).rejects.toSatisfy(isFatal);
  await expect(second.result).rejects.toThrow(/from index 6 on/);
});

test("a table locked by another process asks for a later try, and loses nothing", async () => {
  const folder = await filled();
  const other = new DatabaseSync(join(folder, "bulk.sqlite"));
  other.exec("BEGIN IMMEDIATE");
  const locked = await attempt(folder, update);
  await expect(locked.result).rejects.toSatisfy(isRetryAfter);
  other.exec("ROLLBACK");
  other.close();

  const result = await (await attempt(folder, update, { resumed: locked.checkpoints.at(-1)! })).result;
  expect(result.counts.updated).toBe(items.length);
  expect(versions(folder)).toEqual(items.map(() => 2));
});

test("entries of the ledger are forgotten after 30 days", async () => {
  const folder = freshFolder();
  let now = Date.UTC(2026, 0, 1);
  const bulk = createBulkOperation({ folder, now: () => now });
  const ledgerSize = (): number => {
    const database = new DatabaseSync(join(folder, "bulk.sqlite"));
    const { entries } = database.prepare("SELECT count(*) AS entries FROM applied_batches").get() as { entries: number };
    database.close();
    return entries;
  };
  await (
    await startRun(bulk, create, { blobsFolder: folder })
  ).result;
  now += 29 * 86_400_000;
  await (
    await startRun(bulk, update, { blobsFolder: folder })
  ).result;
  expect(ledgerSize()).toBe(2 * BATCHES);
  now += 2 * 86_400_000;
  await (
    await startRun(bulk, { ...update, items: [{ id: "i0" }] }, { blobsFolder: folder })
  ).result;
  expect(ledgerSize()).toBe(BATCHES + 1);
});

test("a database made by a newer version is left alone", async () => {
  const folder = await filled();
  const database = new DatabaseSync(join(folder, "bulk.sqlite"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  await expect((await attempt(folder, update)).result).rejects.toThrow(/newer version of Streamer \(schema 99\)/);
});
