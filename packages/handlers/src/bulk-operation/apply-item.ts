/**
 * One item applied to the table: what each operation means. Pure but for the rows it is handed, so that the rules read
 * without SQL around them.
 *
 * create: the id must be free; without one it gets a fresh one. update: the given fields replace the stored ones, the
 * others stay; nothing to change is `unchanged`. delete: the row goes; none there is `not_found`.
 */
import { Fatal } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isDeepStrictEqual } from "node:util";
import { MAX_ITEM_LENGTH, type Operation } from "./input.ts";
import type { ItemReport } from "./outcomes.ts";

/** The rows of one tenant and entity type. */
export interface Rows {
  get(id: string): JsonObject | undefined;
  insert(id: string, fields: JsonObject): void;
  replace(id: string, fields: JsonObject): void;
  remove(id: string): boolean;
}

export interface ItemRules {
  readonly operation: Operation;
  /** What the fields of this entity type must be; its output is what is stored. */
  readonly schema: StandardSchemaV1 | undefined;
  readonly newId: () => string;
}

export function applyItem(rows: Rows, rules: ItemRules, index: number, item: JsonObject): ItemReport {
  const { id: given, ...fields } = item;
  const id = typeof given === "string" ? given : rules.newId();
  return { index, id, ...outcomeOf(rows, rules, id, fields) };
}

function outcomeOf(rows: Rows, { operation, schema }: ItemRules, id: string, fields: JsonObject): Pick<ItemReport, "outcome" | "message"> {
  if (operation === "delete") {
    return rows.remove(id) ? { outcome: "deleted" } : { outcome: "not_found", message: "There is no such entity." };
  }
  const stored = rows.get(id);
  if (operation === "create" && stored) return { outcome: "conflict", message: "An entity with this id exists; use update to change it." };
  if (operation === "update" && !stored) return { outcome: "not_found", message: "There is no such entity; use create to add it." };

  const wanted = checked({ ...stored, ...fields }, schema);
  if ("problem" in wanted) return { outcome: "invalid", message: wanted.problem };
  if (stored && isDeepStrictEqual(wanted.fields, stored)) return { outcome: "unchanged" };
  if (stored) rows.replace(id, wanted.fields);
  else rows.insert(id, wanted.fields);
  return { outcome: stored ? "updated" : "created" };
}

function checked(fields: JsonObject, schema: StandardSchemaV1 | undefined): { readonly fields: JsonObject } | { readonly problem: string } {
  const result = schema ? schema["~standard"].validate(fields) : { value: fields };
  // The table is locked while a batch is applied: nothing may be awaited.
  if (result instanceof Promise)
    throw new Fatal("The schema of an entity type must validate synchronously; give one without async checks.");
  if (result.issues) return { problem: result.issues.map(({ path, message }) => `${pathText(path)}${message}`).join("; ") };
  // What is stored is JSON: compared, measured and written as it will be read back.
  const text = JSON.stringify(result.value);
  if (text.length > MAX_ITEM_LENGTH)
    return { problem: `It would have ${text.length} characters of JSON, over the limit of ${MAX_ITEM_LENGTH}.` };
  return { fields: JSON.parse(text) as JsonObject };
}

function pathText(path: StandardSchemaV1.Issue["path"]): string {
  if (!path || path.length === 0) return "";
  return `${path.map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".")}: `;
}
