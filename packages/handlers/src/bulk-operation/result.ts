/** What a bulk operation answers: counts always, each item's report in the result when there are few, in a file when many. */
import type { HandlerBlobs } from "@streamer/core";
import * as z from "zod";
import { OPERATIONS, type BulkInput } from "./input.ts";
import { countOutcomes, isFailure, itemCounts, itemReport, type ItemReport } from "./outcomes.ts";

/** Item reports given in the result itself. */
const INLINE_REPORTS = 100;

export const bulkOutput = z.object({
  operation_type: z.enum(OPERATIONS),
  entity_type: z.string(),
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  not_attempted: z.int().describe("Items after the one at which the operation stopped; 0 unless continue_on_error is false."),
  batches: z.int(),
  counts: itemCounts,
  items: z.array(itemReport).readonly().exactOptional().describe("Every item's report when there are at most 100 of them."),
  failures: z.array(itemReport).readonly().exactOptional().describe("Otherwise the first 100 failures…"),
  report: z
    .object({ url: z.string(), expires_at: z.string(), size_bytes: z.int(), format: z.literal("ndjson") })
    .exactOptional()
    .describe("…and a file with every item's report, one JSON object a line."),
});
export type BulkResult = z.infer<typeof bulkOutput>;

export async function bulkResult(
  { operation_type, entity_type, items }: BulkInput,
  done: { readonly reports: readonly ItemReport[]; readonly batches: number },
  blobs: HandlerBlobs,
): Promise<BulkResult> {
  const { reports, batches } = done;
  const failures = reports.filter(isFailure);
  return {
    operation_type,
    entity_type,
    total: items.length,
    succeeded: reports.length - failures.length,
    failed: failures.length,
    not_attempted: items.length - reports.length,
    batches,
    counts: countOutcomes(reports),
    ...(reports.length <= INLINE_REPORTS
      ? { items: reports }
      : { failures: failures.slice(0, INLINE_REPORTS), report: await storeReports(reports, blobs) }),
  };
}

async function storeReports(reports: readonly ItemReport[], blobs: HandlerBlobs): Promise<NonNullable<BulkResult["report"]>> {
  const lines = reports.map((report) => `${JSON.stringify(report)}\n`).join("");
  const { url, expiresAt, sizeBytes } = await blobs.put("items.ndjson", lines, { contentType: "application/x-ndjson" });
  return { url, expires_at: expiresAt, size_bytes: sizeBytes, format: "ndjson" };
}
