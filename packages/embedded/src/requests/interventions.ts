/** The verbs that need no lease: cancel (P8), redrive of a dead letter (P9), recovery of what a dead process left (P2). */
import { requestIdOf, type Recovery, type RequestKey, type Requests } from "@streamer/core";
import { checksumOf, isIntact } from "../sqlite/checksums.ts";
import { dataLoss } from "../sqlite/damage.ts";
import { isExpired, type RequestRow } from "./rows.ts";
import type { Reading } from "./readings.ts";
import { createFullness } from "./fullness.ts";
import type { Store } from "../sqlite/store.ts";
import type { Transitions } from "./transitions.ts";

type LeasedRow = RequestRow & { readonly boot: number; readonly lease_until: number };

export function createInterventions(
  store: Store,
  transitions: Transitions,
  reading: Pick<Reading, "isTombstone">,
): Pick<Requests, "requestCancel" | "redrive" | "recover"> {
  const { db, clock, retention, log, backlog, damage } = store;
  const byKey = db.prepare("SELECT * FROM requests WHERE key = ?");
  const markCancel = db.prepare("UPDATE requests SET cancel_requested = 1 WHERE id = ?");
  const reopen = db.prepare(`
    UPDATE requests SET failures = 0, crashes = 0, cancel_requested = 0, ended_at = NULL, end_seq = NULL, expires_at = NULL WHERE id = ?`);
  const input = db.prepare("SELECT payload, permissions, sum FROM inputs WHERE request = ?");
  const setPermissions = db.prepare("UPDATE inputs SET permissions = ?, sum = ? WHERE request = ?");
  const findRunning = db.prepare("SELECT * FROM requests WHERE id = ?");

  const fullness = createFullness(store);
  const find = (key: RequestKey): RequestRow | { readonly outcome: "unknown" | "expired" } => {
    const row = byKey.get(key) as unknown as RequestRow | undefined;
    if (row) damage.check(isIntact(row), "record", requestIdOf(key));
    if (row) return isExpired(row, retention.earliest()) ? { outcome: "expired" } : row;
    return { outcome: reading.isTombstone(key) ? "expired" : "unknown" };
  };

  /** A row of its own checksum: what was damaged before stays so. */
  const allow = ({ id, request_id: requestId }: RequestRow, wanted: readonly string[]): void => {
    const { payload, permissions: before, sum } = input.get(id) ?? {};
    damage.check(sum === checksumOf([id, payload, before]), "payload", requestId);
    const permissions = JSON.stringify(wanted);
    if (permissions !== before) setPermissions.run(permissions, checksumOf([id, payload, permissions]), id);
  };

  return {
    requestCancel: (key, { whenWaiting, whenRunning }) =>
      store.write(() => {
        const row = find(key);
        if ("outcome" in row) return row;
        if (row.ended_at !== null) return { outcome: "too_late", seq: row.seq };
        if (row.status !== "PROCESSING") {
          return { outcome: "cancelled", frames: transitions.end(row, { status: "CANCELLED", events: whenWaiting }) };
        }
        if (row.cancel_requested === 1) return { outcome: "requested", frames: [] };
        markCancel.run(row.id);
        const appended = log.append(row, whenRunning);
        transitions.note(row, appended);
        return { outcome: "requested", frames: appended.frames };
      }),

    redrive: async (key, acknowledgment, terms) => {
      const redriven = await store.write(() => {
        const row = find(key);
        if ("outcome" in row) return row;
        if (row.status !== "FAILED") return { outcome: "not_failed" as const, status: row.status };
        const limit = terms && backlog.limitReached(terms.limits, row.tenant, row.user);
        if (limit) return { outcome: "refused" as const, limit };
        const full = terms && fullness({ tenantId: row.tenant, userId: row.user }, terms.limits);
        if (full) return full;
        if (terms) allow(row, terms.permissions);
        reopen.run(row.id);
        const frames = transitions.giveBack(row, { status: "PENDING", runAt: clock.now(), events: [acknowledgment] });
        return { outcome: "redriven" as const, frames };
      });
      if (redriven.outcome === "redriven") store.onRunnable();
      return redriven;
    },

    recover: async ({ isAlive, quarantineAfter, quarantined, cancelled }) => {
      const now = clock.monotonic();
      // The lock on the folder excludes everyone else: a lease of another process is over, and whose run lives here is held.
      const isOrphan = ({ boot, lease_until: leaseUntil, key, attempt }: LeasedRow): boolean =>
        boot !== store.boot || (leaseUntil <= now && !isAlive({ key, attempt }));
      const recoveries = await store.write(() =>
        [...backlog.running].flatMap((id): Recovery[] => {
          const row = findRunning.get(id) as LeasedRow | undefined;
          if (row && !isIntact(row)) {
            damage.note(dataLoss("record", row.request_id));
            backlog.drop(id);
            return [];
          }
          if (row?.status !== "PROCESSING" || !isOrphan(row)) return [];
          if (row.cancel_requested === 1) {
            const frames = transitions.end(row, { status: "CANCELLED", events: cancelled });
            return [{ key: row.key, outcome: "cancelled", frames }];
          }
          if (row.crashes + 1 >= quarantineAfter) {
            const frames = transitions.end(row, { status: "FAILED", events: quarantined });
            return [{ key: row.key, outcome: "quarantined", frames }];
          }
          const frames = transitions.giveBack(row, {
            status: "PENDING",
            runAt: clock.now(),
            events: [],
            crashes: 1,
            deaths: row.crashes + 1,
          });
          return [{ key: row.key, outcome: "returned", frames }];
        }),
      );
      if (recoveries.some(({ outcome }) => outcome === "returned")) store.onRunnable();
      return recoveries;
    },
  };
}
