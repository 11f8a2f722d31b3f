/**
 * What a bulk operation may be asked for. Everything that can be refused without looking at the table is refused here,
 * before the request is accepted, each problem with its path; what depends on the table is a per-item outcome.
 */
import { isJsonObject, type JsonObject } from "@streamer/protocol";
import * as z from "zod";

const MAX_ITEMS = 10_000;
/** One transaction: its fsync is shared by the items, and the sockets wait for it no longer than a few milliseconds. */
const MAX_BATCH_SIZE = 100;
/** Characters of JSON in one item. */
export const MAX_ITEM_LENGTH = 65_536;
const MAX_ID_LENGTH = 128;
/** More problems than this help nobody, and ten thousand of them would be a larger message than the request. */
const MAX_ISSUES = 100;

export const OPERATIONS = ["create", "update", "delete"] as const;
export type Operation = (typeof OPERATIONS)[number];

const ENTITY_TYPE = /^[a-z][a-z0-9_]{0,63}$/;

/** `entityTypes` limits what `entity_type` may be; without it any identifier may. */
export function bulkInput(entityTypes?: readonly string[]) {
  const entityType = z
    .string()
    .regex(ENTITY_TYPE, 'must be lower-case letters, digits and "_", start with a letter, and have at most 64 characters')
    .refine((name) => entityTypes?.includes(name) ?? true, `must be one of: ${entityTypes?.join(", ")}`);

  return z
    .strictObject({
      operation_type: z.enum(OPERATIONS),
      entity_type: entityType,
      /** Flat objects: `id`, which a create may leave out, and the fields of the entity. */
      items: z
        .array(z.custom<JsonObject>(() => true))
        .min(1)
        .max(MAX_ITEMS),
      /** Items applied together, all or none, and reported together. */
      batch_size: z.int().min(1).max(MAX_BATCH_SIZE).default(MAX_BATCH_SIZE),
      options: z
        .strictObject({
          /** false: stop at the first item that fails; those before it stay applied. */
          continue_on_error: z.boolean().default(true),
        })
        .prefault({}),
    })
    .superRefine(({ operation_type: operation, items }, context) => {
      let found = 0;
      for (const [index, item] of items.entries()) {
        const problem = problemOf(operation, item);
        if (!problem) continue;
        context.addIssue({ code: "custom", path: ["items", index, ...problem.path], message: problem.message });
        found += 1;
        if (found === MAX_ISSUES) return;
      }
    });
}

export type BulkInput = z.output<ReturnType<typeof bulkInput>>;

function problemOf(operation: Operation, item: unknown): { readonly path: readonly string[]; readonly message: string } | undefined {
  if (!isJsonObject(item)) return { path: [], message: "must be an object" };
  if (item.id === undefined && operation !== "create") return { path: ["id"], message: `is needed to ${operation}` };
  if (item.id !== undefined && (typeof item.id !== "string" || item.id.length === 0 || item.id.length > MAX_ID_LENGTH))
    return { path: ["id"], message: `must be a string of 1 to ${MAX_ID_LENGTH} characters` };
  const length = JSON.stringify(item).length;
  if (length > MAX_ITEM_LENGTH) return { path: [], message: `has ${length} characters of JSON, over the limit of ${MAX_ITEM_LENGTH}` };
  return undefined;
}
