/** What a bulk operation answers: counts always, each item's report in the result when there are few, in a file when many. */
import type { HandlerBlobs } from "@streamer/core";
import type { BulkInput, Operation } from "./input.ts";
import { countOutcomes, isFailure, type Counts, type ItemReport } from "./outcomes.ts";

/** Item reports given in the result itself. */
const INLINE_REPORTS = 100;

export interface BulkResult {
  readonly operation_type: Operation;
  readonly entity_type: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Items after the one at which the operation stopped; 0 unless `continue_on_error` is false. */
  readonly not_attempted: number;
  readonly batches: number;
  readonly counts: Counts;
  /** Every item's report when there are at most 100 of them. */
  readonly items?: readonly ItemReport[];
  /** Otherwise the first 100 failures… */
  readonly failures?: readonly ItemReport[];
  /** …and a file with every item's report, one JSON object a line. */
  readonly report?: { readonly url: string; readonly expires_at: string; readonly size_bytes: number; readonly format: "ndjson" };
}

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
