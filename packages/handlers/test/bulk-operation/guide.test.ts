/** docs/handlers/bulk-operation.md: its payload is taken by the handler it makes, and its tables are the code's. */
import { expect, test } from "vitest";
import { z } from "zod";
import { createBulkOperation } from "../../src/bulk-operation/handler.ts";
import { OPERATIONS } from "../../src/bulk-operation/input.ts";
import { itemReport } from "../../src/bulk-operation/outcomes.ts";
import { bulkOutput } from "../../src/bulk-operation/result.ts";
import { documented, exampleIn } from "../documented.ts";
import { startRun } from "../run-handler.ts";
import { freshFolder } from "./folder.ts";

const guide = documented("docs/handlers/bulk-operation.md");

test("the guide's payload is applied by the handler of its example", async () => {
  const customer = z.strictObject({ city: z.string(), visits: z.int() });
  expect(guide).toContain("const customer = z.strictObject({ city: z.string(), visits: z.int() });");
  const bulk = createBulkOperation({ folder: freshFolder(), entities: { customer } });
  const { result } = await startRun(bulk, exampleIn(guide, "payload"));
  expect((await result).items?.map(({ id, outcome }) => [id, outcome])).toEqual([
    ["anna", "created"],
    ["ben", "created"],
  ]);
});

test("the guide names every operation, outcome and field of the result", () => {
  const outcomes = itemReport.unwrap().shape.outcome.options;
  const fields = Object.keys(bulkOutput.shape);
  for (const name of [...OPERATIONS, ...outcomes, ...fields]) {
    expect(guide).toContain(`\`${name}`);
  }
});
