/** The verbs that need no lease: cancel (P8), redrive of a dead letter (P9), recovery of what a dead process left (P2). */
import type { CancelOutcome, Recovery, RedriveOutcome, RequestKey, Requests } from "@streamer/core";
import type { EventLog } from "./event-log.ts";
import { shards } from "../dynamodb/keys.ts";
import type { Move } from "./moves.ts";
import { agendaOf, isExpired, isWaiting, type RequestRow } from "./rows.ts";
import type { Store } from "../dynamodb/store.ts";
import type { Transitions } from "./transitions.ts";

/** Runs looked at in one recovery, per shard: the next sweep takes the rest. */
const MAX_RECOVERED = 200;
const PAGE = 100;

export interface Interventions extends Pick<Requests, "requestCancel" | "redrive" | "recover"> {
  /**
   * A process is known to have died: its leases end now, and `recover` finds them. Answers which requests it ran, and which
   * of their ends it had still to tell.
   */
  endLeases(processId: string): Promise<{ readonly ran: readonly RequestKey[]; readonly untold: readonly RequestKey[] }>;
}

export function createInterventions(store: Store, log: EventLog, transitions: Transitions, move: Move): Interventions {
  const { clock, limits, requests } = store;

  const absence = (row: RequestRow | undefined): { readonly outcome: "unknown" | "expired" } | undefined => {
    const now = clock.now();
    if (!row) return { outcome: "unknown" };
    if (row.tombstone_until !== undefined) return { outcome: row.tombstone_until > now ? "expired" : "unknown" };
    return isExpired(row, now) ? { outcome: "expired" } : undefined;
  };

  const endLease = (key: RequestKey, processId: string): Promise<void> =>
    store.change<void>(key, (row) => {
      if (row?.status !== "PROCESSING" || row.process !== processId) return { answer: undefined };
      const now = Math.round(clock.now());
      return { next: { ...row, lease_until: Math.min(row.lease_until!, now), watch_at: now }, answer: undefined };
    });

  return {
    requestCancel: (key, { whenWaiting, whenRunning }) =>
      move<CancelOutcome>(key, async (row) => {
        const absent = absence(row);
        if (absent) return { answer: absent };
        const there = row!;
        if (there.ended_at !== undefined) return { answer: { outcome: "too_late", seq: there.seq } };
        if (isWaiting(there)) {
          const moved = await transitions.end(there, { status: "CANCELLED", events: whenWaiting });
          return { moved, answer: { outcome: "cancelled", frames: moved.frames } };
        }
        if (there.cancel_requested) return { answer: { outcome: "requested", frames: [] } };
        const { row: next, frames, also } = await log.append(there, whenRunning);
        return { next: { ...next, cancel_requested: true }, also, answer: { outcome: "requested", frames } };
      }),

    redrive: (key, acknowledgment, terms) =>
      move<RedriveOutcome>(key, async (row) => {
        const absent = absence(row);
        if (absent) return { answer: absent };
        const there = row!;
        if (there.status !== "FAILED") return { answer: { outcome: "not_failed", status: there.status } };
        const { ended_at: _e, end_seq: _s, expires_at: _x, purge_at: _p, cancel_requested: _c, ...rest } = there;
        const reopened: RequestRow = { ...rest, failures: 0, crashes: 0, ...(terms && { permissions: terms.permissions }) };
        const { tenant, user, action, priority } = there;
        const full = terms && (await store.stored.full({ tenantId: tenant, userId: user }, terms.limits));
        if (full) return { answer: full };
        const entry = await limits.enter({ tenant, user, action, priority, due: true }, terms?.limits);
        if (entry.outcome === "refused") return { answer: entry };
        const moved = await transitions.giveBack(reopened, { status: "PENDING", runAt: clock.now(), events: [acknowledgment], entry });
        return { moved, answer: { outcome: "redriven", frames: moved.frames } };
      }),

    recover: async ({ isAlive, quarantineAfter, quarantined, cancelled }) => {
      const now = clock.now();
      const due = await Promise.all(
        shards.map((shard) =>
          requests.query<{ readonly pk: string }>({
            index: "by_time",
            where: "agenda = :agenda AND agenda_at <= :now",
            values: { ":agenda": agendaOf("run", shard), ":now": Math.round(now) },
            limit: MAX_RECOVERED,
          }),
        ),
      );
      const recoverOne = (pk: string): Promise<Recovery | undefined> =>
        move<Recovery | undefined>(pk as RequestKey, async (row) => {
          if (row?.status !== "PROCESSING") return { answer: undefined };
          // Renewed since: looked at again when that lease ends.
          if (row.lease_until! > now) return { next: { ...row, watch_at: row.lease_until! }, answer: undefined };
          const { key } = row;
          // Its own, however long it was away: its next write renews the lease.
          if (row.process === store.processId() && isAlive({ key, attempt: row.attempt })) return { answer: undefined };
          if (row.cancel_requested) {
            const moved = await transitions.end(row, { status: "CANCELLED", events: cancelled });
            return { moved, answer: { key, outcome: "cancelled", frames: moved.frames } };
          }
          if (row.crashes + 1 >= quarantineAfter) {
            const moved = await transitions.end(row, { status: "FAILED", events: quarantined });
            return { moved, answer: { key, outcome: "quarantined", frames: moved.frames } };
          }
          const moved = await transitions.giveBack(row, { status: "PENDING", runAt: clock.now(), events: [], crashes: 1 });
          return { moved, answer: { key, outcome: "returned", frames: moved.frames } };
        });
      const recovered = await Promise.all(due.flat().map(({ pk }) => recoverOne(pk)));
      return recovered.filter((recovery) => recovery !== undefined);
    },

    endLeases: async (processId) => {
      const [ran, untold]: [RequestKey[], RequestKey[]] = [[], []];
      // No more than run at once, over all processes: each page is read and let go.
      for (const shard of shards) {
        const where = { index: "by_time", where: "agenda = :agenda", values: { ":agenda": agendaOf("run", shard) } };
        for await (const page of requests.pages<{ readonly pk: string }>({ ...where, limit: PAGE })) {
          const rows = await requests.getAll<RequestRow>(page.map(({ pk }) => ({ pk })));
          const orphans = rows.filter((row) => row.process === processId);
          await Promise.all(orphans.map(({ key }) => endLease(key, processId)));
          ran.push(...orphans.map(({ key }) => key));
          untold.push(...rows.filter(({ teller }) => teller === processId).map(({ key }) => key));
        }
      }
      return { ran, untold };
    },
  };
}
