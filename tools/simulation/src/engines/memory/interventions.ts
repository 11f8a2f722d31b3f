/** The verbs that need no lease: cancel (P8), redrive of a dead letter (P9), recovery of what a dead process left (P2). */
import type { Recovery, RequestKey, Requests } from "@streamer/core";
import type { Row } from "./data.ts";
import { append, end, giveBack, isExpired, print } from "./rows.ts";
import type { State } from "./state.ts";

type Interventions = Pick<Requests, "requestCancel" | "redrive" | "recover">;

export function createInterventions(state: State): Interventions {
  const { data, boot, clock, retention, queue, usage, write } = state;

  function find(key: RequestKey): Row | { readonly outcome: "unknown" | "expired" } {
    const row = data.rows.get(key);
    if (row) return isExpired(row, retention.earliest()) ? { outcome: "expired" } : row;
    return { outcome: (data.tombstones.get(key) ?? 0) > retention.earliest() ? "expired" : "unknown" };
  }

  return {
    requestCancel: (key, { whenWaiting, whenRunning }) =>
      write(() => {
        const row = find(key);
        if ("outcome" in row) return row;
        if (row.endedAt !== undefined) return { outcome: "too_late", seq: row.seq };
        if (row.status !== "PROCESSING")
          return { outcome: "cancelled", frames: end(state, row, { status: "CANCELLED", events: whenWaiting }) };
        if (row.cancelRequested) return { outcome: "requested", frames: [] };
        const frames = print(row, whenRunning, clock.now());
        append(row, frames, whenRunning);
        row.cancelRequested = true;
        return { outcome: "requested", frames };
      }),

    redrive: async (key, acknowledgment, terms) => {
      const redriven = await write(() => {
        const row = find(key);
        if ("outcome" in row) return row;
        if (row.status !== "FAILED") return { outcome: "not_failed" as const, status: row.status };
        const limit = terms && queue.limitReached(terms.limits, row.owner);
        if (limit) return { outcome: "refused" as const, limit };
        const full = terms && usage.full(row.owner, terms.limits);
        if (full) return full;
        const frames = giveBack(state, row, { status: "PENDING", runAt: clock.now(), events: [acknowledgment] });
        Object.assign(row, { failures: 0, crashes: 0, cancelRequested: false, endedAt: undefined, expiresAt: undefined });
        if (terms) row.permissions = terms.permissions;
        return { outcome: "redriven" as const, frames };
      });
      if (redriven.outcome === "redriven") state.onRunnable();
      return redriven;
    },

    recover: async ({ isAlive, quarantineAfter, quarantined, cancelled }) => {
      const now = clock.monotonic();
      const isOrphan = ({ key, attempt, status, lease }: Row): boolean =>
        status === "PROCESSING" && (lease?.boot !== boot || (lease.until <= now && !isAlive({ key, attempt })));
      const recoveries = await write(() =>
        Array.from(data.live)
          .filter(isOrphan)
          .map((row): Recovery => {
            const { key } = row;
            if (row.cancelRequested)
              return { key, outcome: "cancelled", frames: end(state, row, { status: "CANCELLED", events: cancelled }) };
            if (row.crashes + 1 >= quarantineAfter)
              return { key, outcome: "quarantined", frames: end(state, row, { status: "FAILED", events: quarantined }) };
            return {
              key,
              outcome: "returned",
              frames: giveBack(state, row, { status: "PENDING", runAt: clock.now(), events: [], crashes: 1 }),
            };
          }),
      );
      if (recoveries.some(({ outcome }) => outcome === "returned")) state.onRunnable();
      return recoveries;
    },
  };
}
