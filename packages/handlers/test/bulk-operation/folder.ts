/** A folder for one test, gone when the test is over; and a look at the table in it from outside the handler. */
import type { JsonObject } from "@streamer/protocol";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "streamer-bulk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Entity {
  readonly id: string;
  readonly fields: JsonObject;
  readonly version: number;
}

/** What the table holds for a tenant and entity type, by id. */
export function entitiesIn(folder: string, entityType: string, tenantId = "t1"): readonly Entity[] {
  const database = new DatabaseSync(join(folder, "bulk.sqlite"));
  const rows = database
    .prepare("SELECT id, body, version FROM entities WHERE tenant = ? AND entity_type = ? ORDER BY id")
    .all(tenantId, entityType) as { id: string; body: string; version: number }[];
  database.close();
  return rows.map(({ id, body, version }) => ({ id, fields: JSON.parse(body) as JsonObject, version }));
}

/** `count` items with ids i0, i1, …, and their number as field `n`. */
export const numbered = (count: number): { id: string; n: number }[] => Array.from({ length: count }, (_, n) => ({ id: `i${n}`, n }));
