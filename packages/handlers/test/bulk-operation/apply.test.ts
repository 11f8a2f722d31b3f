/** What each operation does to the table, and what it says of each item. */
import { z } from "zod";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { JsonObject } from "@streamer/protocol";
import { createBulkOperation } from "../../src/bulk-operation/handler.ts";
import { startRun, type RunOptions } from "../run-handler.ts";
import { entitiesIn, freshFolder, numbered } from "./folder.ts";

type Bulk = ReturnType<typeof createBulkOperation>;

interface More {
  readonly payload?: JsonObject;
  readonly options?: RunOptions;
}

async function run(bulk: Bulk, operation: string, items: readonly JsonObject[], { payload, options }: More = {}) {
  const input = { operation_type: operation, entity_type: "product", items, ...payload };
  const started = await startRun(bulk, input, { blobsFolder: freshFolder(), ...options });
  return { ...(await started.result), started };
}

const outcomes = (result: { items?: readonly { outcome: string }[] }): readonly string[] =>
  (result.items ?? []).map(({ outcome }) => outcome);

test("create stores each item; an id that is taken is a conflict and stays as it was", async () => {
  const folder = freshFolder();
  const bulk = createBulkOperation({ folder });
  const result = await run(bulk, "create", [{ id: "a", price: 1 }, { price: 2 }, { id: "a", price: 3 }]);

  expect(outcomes(result)).toEqual(["created", "created", "conflict"]);
  expect(result).toMatchObject({ total: 3, succeeded: 2, failed: 1, not_attempted: 0, batches: 1, counts: { created: 2, conflict: 1 } });
  const madeId = result.items![1]!.id;
  expect(new Set(entitiesIn(folder, "product").map(({ id, fields }) => `${id} ${JSON.stringify(fields)}`))).toEqual(
    new Set(['a {"price":1}', `${madeId} {"price":2}`]),
  );
});

test("update merges fields and raises the version; nothing to change is unchanged; an unknown id is not found", async () => {
  const folder = freshFolder();
  const bulk = createBulkOperation({ folder });
  await run(bulk, "create", [{ id: "a", price: 1, tags: ["x"] }]);
  const result = await run(bulk, "update", [
    { id: "a", price: 2 },
    { id: "a", price: 2, tags: ["x"] },
    { id: "b", price: 9 },
  ]);

  expect(outcomes(result)).toEqual(["updated", "unchanged", "not_found"]);
  expect(entitiesIn(folder, "product")).toEqual([{ id: "a", fields: { price: 2, tags: ["x"] }, version: 2 }]);
});

test("delete removes once", async () => {
  const folder = freshFolder();
  const bulk = createBulkOperation({ folder });
  await run(bulk, "create", [{ id: "a" }, { id: "b" }]);
  const result = await run(bulk, "delete", [{ id: "a" }, { id: "a" }]);

  expect(outcomes(result)).toEqual(["deleted", "not_found"]);
  expect(result.items![1]!.message).toContain("no such entity");
  expect(entitiesIn(folder, "product").map(({ id }) => id)).toEqual(["b"]);
});

test("P10: tenants do not see, change or delete each other's entities", async () => {
  const folder = freshFolder();
  const bulk = createBulkOperation({ folder });
  await run(bulk, "create", [{ id: "a", of: "t1" }]);
  const created = await run(bulk, "create", [{ id: "a", of: "t2" }], { options: { tenantId: "t2" } });
  expect(outcomes(created)).toEqual(["created"]);
  await run(bulk, "delete", [{ id: "a" }], { options: { tenantId: "t2" } });
  expect(outcomes(await run(bulk, "update", [{ id: "a", of: "t3" }], { options: { tenantId: "t3" } }))).toEqual(["not_found"]);

  expect(entitiesIn(folder, "product", "t1")).toMatchObject([{ id: "a", fields: { of: "t1" } }]);
  expect(entitiesIn(folder, "product", "t2")).toEqual([]);
});

test("entity types do not share ids", async () => {
  const folder = freshFolder();
  const bulk = createBulkOperation({ folder });
  await run(bulk, "create", [{ id: "a" }]);
  expect(outcomes(await run(bulk, "create", [{ id: "a" }], { payload: { entity_type: "customer" } }))).toEqual(["created"]);
});

test("with continue_on_error false it stops at the first failure, in whatever batch, and says how many were left", async () => {
  const folder = freshFolder();
  const bulk = createBulkOperation({ folder });
  await run(bulk, "create", [{ id: "i5" }]);
  const result = await run(bulk, "create", numbered(9), { payload: { batch_size: 2, options: { continue_on_error: false } } });

  expect(outcomes(result)).toEqual([...Array<string>(5).fill("created"), "conflict"]);
  expect(result).toMatchObject({ succeeded: 5, failed: 1, not_attempted: 3, batches: 3 });
  expect(entitiesIn(folder, "product")).toHaveLength(6);
});

test("a schema for the entity type decides what is valid and what is stored, also for the merged fields of an update", async () => {
  const folder = freshFolder();
  const product = z.object({ price: z.number().positive(), currency: z.string().default("EUR") });
  const bulk = createBulkOperation({ folder, entities: { product } });
  expect(
    outcomes(
      await run(bulk, "create", [
        { id: "a", price: 1 },
        { id: "b", price: -1 },
      ]),
    ),
  ).toEqual(["created", "invalid"]);
  const updated = await run(bulk, "update", [{ id: "a", price: 0 }]);

  expect(updated.items![0]).toMatchObject({ outcome: "invalid", message: expect.stringMatching(/^price: /) });
  expect(entitiesIn(folder, "product")).toEqual([{ id: "a", fields: { price: 1, currency: "EUR" }, version: 1 }]);
});

test("an update may not grow an entity beyond the limit of an item", async () => {
  const bulk = createBulkOperation({ folder: freshFolder() });
  await run(bulk, "create", [{ id: "a", one: "x".repeat(40_000) }]);
  const result = await run(bulk, "update", [{ id: "a", two: "x".repeat(40_000) }]);
  expect(result.items![0]).toMatchObject({ outcome: "invalid", message: expect.stringContaining("65536") });
});

test("progress counts the items of each committed batch, in stage apply", async () => {
  const bulk = createBulkOperation({ folder: freshFolder() });
  const { started } = await run(bulk, "create", numbered(250));

  expect(started.reports.map(({ message }) => message)).toEqual([
    "0 of 250 items",
    "100 of 250 items",
    "200 of 250 items",
    "250 of 250 items",
  ]);
  expect(started.reports.at(-1)!.metadata).toMatchObject({ stage: "apply", done: 250, total: 250, counts: { created: 250 } });
});

test("more than 100 items: the first failures inline, every report in a file", async () => {
  const bulk = createBulkOperation({ folder: freshFolder() });
  await run(bulk, "create", numbered(150));
  const result = await run(bulk, "create", numbered(300));

  expect(result.items).toBeUndefined();
  expect(result.failures).toHaveLength(100);
  expect(result.failures![0]).toMatchObject({ index: 0, id: "i0", outcome: "conflict" });
  expect(result).toMatchObject({ succeeded: 150, failed: 150 });
  const text = await readFile(fileURLToPath(result.report!.url), "utf8");
  expect(result.report!.size_bytes).toBe(Buffer.byteLength(text));
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { index: number; outcome: string });
  expect(lines.map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, index) => index));
  expect(lines.filter(({ outcome }) => outcome === "created")).toHaveLength(150);
});

test("10,000 items are applied completely", async () => {
  const folder = freshFolder();
  const result = await run(createBulkOperation({ folder }), "create", numbered(10_000));
  expect(result).toMatchObject({ succeeded: 10_000, failed: 0, batches: 100 });
  expect(entitiesIn(folder, "product")).toHaveLength(10_000);
});
