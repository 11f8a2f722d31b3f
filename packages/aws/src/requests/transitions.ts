/**
 * How a request row moves on, shared by the verbs: pure but for the events, which are numbered and kept on the way.
 * What a row is counted in or holds slots of is changed after the write, by `follow`.
 */
import type { EventBody, Frame } from "@streamer/core";
import type { Appended, EventLog } from "./event-log.ts";
import type { Counted, Limits } from "./limits.ts";
import { withBytes } from "./row-bytes.ts";
import type { RequestRow } from "./rows.ts";
import type { Store } from "../dynamodb/store.ts";
import { MAX_DELAY_MS } from "../wakeups.ts";

interface Ending {
  readonly status: "COMPLETED" | "FAILED" | "CANCELLED";
  readonly events: readonly EventBody[];
}
interface Return {
  readonly status: "PENDING" | "RETRYING";
  readonly runAt: number;
  readonly events: readonly EventBody[];
  readonly failures?: number;
  readonly crashes?: number;
  /** Where it is counted already. */
  readonly entry?: Pick<RequestRow, "counted" | "tag">;
}

export interface Moved {
  readonly row: RequestRow;
  readonly frames: readonly Frame[];
  readonly also: Appended["also"];
}

export interface Transitions {
  /** It ends, and its retention begins (P2, P7). */
  end(row: RequestRow, ending: Ending): Promise<Moved>;
  /** It waits again, counted there; `failures` and `crashes` are added. */
  giveBack(row: RequestRow, change: Return): Promise<Moved>;
  /** What has to follow once `before` was replaced by another row: its count and its slots are given up. */
  follow(before: RequestRow): Promise<void>;
  /** What has to follow when a row that was counted for `giveBack` was not written after all. */
  undo(row: RequestRow): Promise<void>;
}

/** A message in the delay queue wakes what waits no longer than it can (wakeups.ts); the rest is for the sweep to see coming. */
export const wakeupOf = (runAt: number, now: number): Pick<RequestRow, "has_wakeup"> =>
  runAt > now && runAt - now <= MAX_DELAY_MS ? { has_wakeup: true } : {};

export function createTransitions(log: EventLog, { limits, clock, processId }: Pick<Store, "limits" | "clock" | "processId">): Transitions {
  const now = (): number => clock.now();
  return {
    end: async (row, { status, events }) => {
      const appended = await log.append(row, events);
      // A dead letter keeps its checkpoint: redriven, it goes on where it stopped (P9).
      const kept = status === "FAILED" ? appended.row : withoutCheckpoint(appended.row);
      const { lease_until: _l, process: _p, slots: _s, counted: _c, waiting_for: _f, has_wakeup: _h, ...rest } = kept;
      const endedAt = Math.round(now());
      const next: RequestRow = {
        ...rest,
        status,
        ended_at: endedAt,
        expires_at: endedAt + row.retention_ms,
        // It stays where runs are looked at: moving it costs index writes, and it is looked at only if nobody tells its end.
        teller: processId(),
        watch_at: row.watch_at ?? endedAt,
      };
      return { row: next, frames: appended.frames, also: appended.also };
    },
    giveBack: async (row, { status, runAt, events, failures = 0, crashes = 0, entry }) => {
      const appended = await log.append(row, events);
      const { lease_until: _l, process: _p, watch_at: _w, slots: _s, has_wakeup: _h, teller: _t, ...rest } = appended.row;
      const next: RequestRow = {
        ...rest,
        status,
        run_at: Math.round(runAt),
        ...wakeupOf(runAt, now()),
        failures: row.failures + failures,
        crashes: row.crashes + crashes,
        ...placeOf(entry ?? (await countAgain(limits, row, runAt <= now()))),
      };
      return { row: next, frames: appended.frames, also: appended.also };
    },
    follow: async (before) => {
      await Promise.all([
        limits.freeSlots(before, before.slots),
        before.counted === undefined ? undefined : limits.leave(before as RequestRow & { counted: Counted }),
      ]);
    },
    undo: (row) => limits.leave(row),
  };
}

function withoutCheckpoint(row: RequestRow): RequestRow {
  const { checkpoint: _, checkpoint_bytes: bytes = 0, ...rest } = row;
  return withBytes(rest, -bytes);
}

const placeOf = ({ counted, tag }: Pick<RequestRow, "counted" | "tag">) => ({
  ...(counted && { counted }),
  ...(tag !== undefined && { tag }),
});

/** What was accepted once is never refused later: no caps. */
async function countAgain(limits: Limits, row: RequestRow, due: boolean): Promise<Pick<RequestRow, "counted" | "tag">> {
  const { tenant, user, action, priority } = row;
  const entry = await limits.enter({ tenant, user, action, priority, due });
  if (entry.outcome === "refused") throw new Error("A count without caps was refused.");
  return { counted: entry.counted, tag: entry.tag };
}
