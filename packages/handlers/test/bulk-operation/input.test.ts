/** P12: what cannot be right is refused before anything is accepted, every problem with its path. */
import { expect, test } from "vitest";
import { z } from "zod";
import { createBulkOperation } from "../../src/bulk-operation/handler.ts";
import { InputRefused, parseInput } from "../run-handler.ts";

const bulk = createBulkOperation({ folder: "never-made" });
const valid = { operation_type: "update", entity_type: "product", items: [{ id: "a" }] };

async function issuesOf(input: unknown, handler = bulk): Promise<readonly string[]> {
  try {
    await parseInput(handler, input);
    return [];
  } catch (error) {
    if (!(error instanceof InputRefused)) throw error;
    return error.issues.map(({ path, message }) => `${(path ?? []).map(String).join(".")}: ${message}`);
  }
}

test("defaults are batches of 100 that go on after an error", async () => {
  expect(await parseInput(bulk, valid)).toEqual({ ...valid, batch_size: 100, options: { continue_on_error: true } });
});

test.each<[string, object, RegExp]>([
  ["an unknown operation", { operation_type: "upsert" }, /^operation_type: /],
  ["an entity type that is no identifier", { entity_type: "Robert'); DROP TABLE" }, /^entity_type: must be lower-case/],
  ["no items", { items: [] }, /^items: /],
  ["items that are no list", { items: { id: "a" } }, /^items: /],
  ["too many items", { items: Array.from({ length: 10_001 }, (_, n) => ({ id: `${n}` })) }, /^items: .*10000/],
  ["an item that is no object", { items: [{ id: "a" }, 7] }, /^items\.1: must be an object/],
  ["an item that is a list", { items: [[]] }, /^items\.0: must be an object/],
  ["an update without id", { items: [{ id: "a" }, { price: 1 }] }, /^items\.1\.id: is needed to update/],
  ["a delete without id", { operation_type: "delete", items: [{}] }, /^items\.0\.id: is needed to delete/],
  ["an id that is no string", { items: [{ id: 7 }] }, /^items\.0\.id: must be a string/],
  ["an empty id", { items: [{ id: "" }] }, /^items\.0\.id: must be a string/],
  ["an id that is too long", { items: [{ id: "x".repeat(129) }] }, /^items\.0\.id: must be a string/],
  ["an item that is too large", { items: [{ id: "a", text: "x".repeat(70_000) }] }, /^items\.0: has 70\d+ characters of JSON/],
  ["a batch size of 0", { batch_size: 0 }, /^batch_size: /],
  ["a batch size over 100", { batch_size: 101 }, /^batch_size: /],
  ["a batch size that is no integer", { batch_size: 1.5 }, /^batch_size: /],
  ["an option that does not exist", { options: { continue_on_errors: true } }, /^options: .*continue_on_errors/],
  ["a field that does not exist", { entity: "product" }, /entity/],
])("refuses %s", async (_, change, expected) => {
  const issues = await issuesOf({ ...valid, ...change });
  expect(issues).toHaveLength(1);
  expect(issues[0]).toMatch(expected);
});

test("lists problems of several items, at most 100 of them", async () => {
  const items = Array.from({ length: 500 }, () => ({ price: 1 }));
  const issues = await issuesOf({ ...valid, items });
  expect(issues).toHaveLength(100);
  expect(issues[99]).toMatch(/^items\.99\.id: /);
});

test("with declared entity types, others are refused", async () => {
  const strict = createBulkOperation({ folder: "never-made", entities: { product: z.object({}), customer: z.object({}) } });
  expect(await issuesOf(valid, strict)).toEqual([]);
  expect(await issuesOf({ ...valid, entity_type: "produkt" }, strict)).toEqual(["entity_type: must be one of: product, customer"]);
});
