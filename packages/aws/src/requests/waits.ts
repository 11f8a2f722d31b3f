/**
 * Why requests wait. A limit that holds one is known from its slots; what has been runnable for a minute and is held by
 * none has no worker: Lambda queues invocations rather than requests, so there is no line to have a place in.
 */
import type { Requests, Wait, Written } from "@streamer/core";
import type { EventLog } from "./event-log.ts";
import { partitionKey } from "../dynamodb/keys.ts";
import type { Late } from "./late.ts";
import { isWaiting, type RequestRow } from "./rows.ts";
import type { Change, Store } from "../dynamodb/store.ts";

/** Runnable for longer: a stream record or an invocation was lost, or there are not enough functions. */
export const LATE_AFTER_MS = 60_000;
/** Late requests that are looked at in one go: the work function's queue may simply be long. */
export const MAX_LATE = 200;

export function createWaits(store: Store, log: EventLog, late: Late): Pick<Requests, "waits" | "wait"> {
  const { clock, limits, requests } = store;

  return {
    waits: async ({ keys, concurrency }) => {
      const now = clock.now();
      const wanted = keys ?? (await late(now - LATE_AFTER_MS, MAX_LATE));
      const rows = await requests.getAll<RequestRow>(wanted.map((key) => ({ pk: partitionKey(key) })));
      const looked = rows.map(async (row): Promise<Wait | undefined> => {
        if (!isWaiting(row) || row.run_at > now) return undefined;
        const { key, action, size = 0 } = row;
        const held = await limits.heldBy(row, concurrency[action]);
        const reason = held ?? (row.run_at <= now - LATE_AFTER_MS ? "no_worker" : undefined);
        return reason === undefined || reason === row.waiting_for ? undefined : { key, action, size, reason };
      });
      return (await Promise.all(looked)).filter((wait) => wait !== undefined);
    },
    wait: (key, event) =>
      store.change<Written>(key, async (row): Promise<Change<Written>> => {
        if (!row || !isWaiting(row)) return { answer: { outcome: "lost" } };
        const { row: next, frames, also } = await log.append(row, [event]);
        return { next: { ...next, waiting_for: event.reason }, also, answer: { outcome: "written", frames } };
      }),
  };
}
