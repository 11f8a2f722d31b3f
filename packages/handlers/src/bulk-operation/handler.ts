/**
 * bulk_operation: creates, updates or deletes up to 10,000 entities of the caller's tenant, batch by batch, and says of
 * each item what became of it. Each batch is one transaction of the table the handler owns (store.ts).
 *
 * The first thing a run does is to save a name for itself in the checkpoint. That makes a run that was started at once
 * durable, and ties every later attempt to the same entries of the ledger: it goes on where the last one stopped and
 * applies nothing twice (B1, B2). The checkpoint after each batch is where a lost lease or a cancellation is noticed.
 */
import { Fatal, RetryAfter, defineHandler, type HandlerContext } from "@streamer/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { randomUUID } from "node:crypto";
import { applyItem, type ItemRules, type Rows } from "./apply-item.ts";
import { bulkInput, type BulkInput } from "./input.ts";
import { countOutcomes, isFailure, type Counts, type ItemReport } from "./outcomes.ts";
import { bulkOutput, bulkResult, type BulkResult } from "./result.ts";
import { isBusy, openBulkStore, type BulkStore } from "./store.ts";

/** Another process holds the table's lock: transactions are short, so it is soon worth another try. */
const BUSY_RETRY_MS = 250;
/** Estimates: what a durable run and one batch of 100 cost on a small machine with an SSD, rounded up. */
const RUN_MS = 20;
const BATCH_MS = 5;
/** The rest of the percentage is for the file of item reports. */
const APPLY_SHARE = 98;

export interface BulkOperationOptions {
  /** Where the table lives; made when it is first needed. */
  readonly folder: string;
  /**
   * The entity types there are, and the schema their fields (all but `id`) must match; an item that does not is
   * `invalid`. Without it any entity type with any fields is taken.
   */
  readonly entities?: Readonly<Record<string, StandardSchemaV1>>;
  /** Epoch ms. Default the system's clock. */
  readonly now?: () => number;
}

export function createBulkOperation({ folder, entities, now = Date.now }: BulkOperationOptions) {
  const withStore = shareStore(() => openBulkStore(folder, now));

  return defineHandler({
    action: "bulk_operation",
    description: "Creates, updates or deletes up to 10,000 entities and reports on each.",
    input: bulkInput(entities && Object.keys(entities)),
    output: bulkOutput,
    estimate: ({ items, batch_size }) => RUN_MS + BATCH_MS * Math.ceil(items.length / batch_size),
    // Mostly for a locked table, where an attempt costs little; a failing disk is given up on within two minutes.
    retry: { maxAttempts: 10, baseMs: 250, capMs: 15_000 },
    async run(input, ctx): Promise<BulkResult> {
      const resumed = ctx.resumed as Checkpoint | undefined;
      const run: Run = {
        input,
        ctx,
        name: resumed?.run ?? randomUUID(),
        rules: { operation: input.operation_type, schema: entities?.[input.entity_type], newId: randomUUID },
      };
      if (!resumed) await save(run, 0);
      try {
        return await withStore(async (store) => {
          const done = store.applied(run.name);
          if (resumed && done.length < resumed.applied) throw ledgerLost(resumed.applied * input.batch_size);
          return bulkResult(input, await applyRest(run, store, done), ctx.blobs);
        });
      } catch (error) {
        throw isBusy(error)
          ? new RetryAfter(BUSY_RETRY_MS, "The table of bulk operations is locked by another process; trying again.")
          : error;
      }
    },
  });
}

interface Run {
  readonly input: BulkInput;
  readonly ctx: HandlerContext;
  /** Names it in the ledger, over all its attempts. */
  readonly name: string;
  readonly rules: ItemRules;
}

// A type, not an interface: only a type alias is assignable to JsonValue.
type Checkpoint = { readonly run: string; /** Batches known to be applied. */ readonly applied: number };

const save = ({ ctx, name }: Run, applied: number): Promise<void> => ctx.checkpoint({ run: name, applied } satisfies Checkpoint);

async function applyRest(run: Run, store: BulkStore, done: readonly (readonly ItemReport[])[]) {
  const { input, ctx, name, rules } = run;
  const batchCount = Math.ceil(input.items.length / input.batch_size);
  const reports = done.flat();
  let batches = done.length;
  // Counted on from batch to batch: counting all of them anew would cost the square of the items.
  let counts = countOutcomes(reports);
  let hasFailed = reports.some(isFailure);
  tell(ctx, reports.length, { total: input.items.length, counts });

  while (batches < batchCount && !(hasFailed && !input.options.continue_on_error)) {
    ctx.signal.throwIfAborted();
    const start = batches * input.batch_size;
    const batch = { run: name, number: batches, tenantId: ctx.request.tenantId, entityType: input.entity_type };
    const applied = await store.apply(batch, (rows) => applyBatch(rows, rules, input, start));
    reports.push(...applied);
    counts = countOutcomes(applied, counts);
    hasFailed ||= applied.some(isFailure);
    batches += 1;
    await save(run, batches);
    tell(ctx, reports.length, { total: input.items.length, counts });
  }
  return { reports, batches };
}

function applyBatch(rows: Rows, rules: ItemRules, { items, batch_size, options }: BulkInput, start: number): readonly ItemReport[] {
  const reports: ItemReport[] = [];
  for (const [offset, item] of items.slice(start, start + batch_size).entries()) {
    const report = applyItem(rows, rules, start + offset, item);
    reports.push(report);
    if (isFailure(report) && !options.continue_on_error) break;
  }
  return reports;
}

function tell(ctx: HandlerContext, done: number, { total, counts }: { readonly total: number; readonly counts: Counts }): void {
  ctx.report((APPLY_SHARE * done) / total, `${done} of ${total} items`, { stage: "apply", done, total, counts });
}

/** Open while any run needs it: nothing is held between runs, and nobody has to remember to close it. */
function shareStore(open: () => BulkStore): <T>(work: (store: BulkStore) => Promise<T>) => Promise<T> {
  let store: BulkStore | undefined;
  let holders = 0;
  return async (work) => {
    const held = (store ??= open());
    holders += 1;
    try {
      return await work(held);
    } finally {
      holders -= 1;
      if (holders === 0) {
        held.close();
        store = undefined;
      }
    }
  };
}

/** Applying those batches again could apply an item twice, so it is left to the user, who is told how. */
function ledgerLost(firstItem: number): Fatal {
  return new Fatal(
    `The record of what this operation already applied is gone (restored from a backup, or over 30 days old). ` +
      `Submit its items from index ${firstItem} on as a new request, after checking those before.`,
  );
}
