/**
 * Whatever operations are asked for, in whatever batches, dying at whatever checkpoints: the table ends as a plain map
 * to which every item was applied once, in order, and the outcomes are those of that map.
 */
import fc from "fast-check";
import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@streamer/protocol";
import { expect, test } from "vitest";
import { createBulkOperation } from "../../src/bulk-operation/handler.ts";
import { startRun } from "../run-handler.ts";
import { entitiesIn } from "./folder.ts";

interface Step {
  readonly operation: "create" | "update" | "delete";
  readonly items: readonly { readonly id: string; readonly value: number | null }[];
  readonly batchSize: number;
  readonly continueOnError: boolean;
  /** Checkpoints (by how many batches they hold) at which an attempt dies, each once. */
  readonly deaths: readonly number[];
}

const step: fc.Arbitrary<Step> = fc.record({
  operation: fc.constantFrom("create" as const, "update" as const, "delete" as const),
  // Few ids, so that operations meet on the same entities.
  items: fc.array(fc.record({ id: fc.constantFrom("a", "b", "c", "d", "__proto__"), value: fc.option(fc.integer({ min: 0, max: 3 })) }), {
    minLength: 1,
    maxLength: 12,
  }),
  batchSize: fc.integer({ min: 1, max: 5 }),
  continueOnError: fc.boolean(),
  deaths: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
});

/** The specification, as a map. */
function applyToModel(model: Map<string, JsonObject>, { operation, items, continueOnError }: Step): readonly string[] {
  const outcomes: string[] = [];
  for (const { id, value } of items) {
    const stored = model.get(id);
    let outcome: string;
    if (operation === "create") {
      outcome = stored ? "conflict" : "created";
      if (!stored) model.set(id, { value });
    } else if (!stored) {
      outcome = "not_found";
    } else if (operation === "delete") {
      outcome = "deleted";
      model.delete(id);
    } else {
      outcome = stored.value === value ? "unchanged" : "updated";
      model.set(id, { value });
    }
    outcomes.push(outcome);
    if (!continueOnError && (outcome === "conflict" || outcome === "not_found")) break;
  }
  return outcomes;
}

async function runToTheEnd(folder: string, { operation, items, batchSize, continueOnError, deaths }: Step) {
  const payload = {
    operation_type: operation,
    entity_type: "thing",
    items,
    batch_size: batchSize,
    options: { continue_on_error: continueOnError },
  };
  const toDie = new Set(deaths);
  let stored: JsonValue | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const run = await startRun(createBulkOperation({ folder }), payload, {
      attempt,
      blobsFolder: folder,
      ...(stored !== undefined && { resumed: stored }),
      onCheckpoint: (state) => {
        if (toDie.delete((state as { applied: number }).applied)) throw new Error("died");
        stored = state;
      },
    });
    const ended = await run.result.then(
      (result) => result,
      (error: Error) => (error.message === "died" ? undefined : Promise.reject(error)),
    );
    if (ended) return ended;
  }
}

test("B1, B2: the table and the outcomes equal those of a simple model", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const folder = mkdtempSync(join(tmpdir(), "streamer-bulk-"));
      const model = new Map<string, JsonObject>();
      try {
        for (const each of steps) {
          const { items } = await runToTheEnd(folder, each);
          expect(items!.map(({ outcome }) => outcome)).toEqual(applyToModel(model, each));
          const expected = Array.from(model, ([id, fields]) => ({ id, fields })).sort((a, b) => (a.id < b.id ? -1 : 1));
          expect(entitiesIn(folder, "thing").map(({ id, fields }) => ({ id, fields }))).toEqual(expected);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});
