/** claim, and the verbs under the lease that it gives: none of them writes once the lease is another's (P3). */
import { settledEvents, type Claim, type Lease, type Requests } from "@streamer/core";
import type { JsonValue } from "@streamer/protocol";
import type { Row } from "./data.ts";
import { append, end, giveBack, print } from "./rows.ts";
import type { State } from "./state.ts";

type Leased = Pick<Requests, "claim" | "advance" | "reschedule" | "release" | "settle">;

export function createLeased(state: State): Leased {
  const { data, boot, clock, queue, write } = state;

  /** Runs `change` if the run still has its lease: it is running, by this attempt, in this process. */
  const underLease = <T>({ key, attempt }: Lease, change: (row: Row) => T): Promise<T | { readonly outcome: "lost" }> =>
    write(() => {
      const row = data.rows.get(key);
      const isHeld = row?.status === "PROCESSING" && row.attempt === attempt && row.lease?.boot === boot;
      return isHeld ? change(row) : { outcome: "lost" };
    });

  return {
    claim: async (terms) => {
      // Most calls find nothing, and are no write.
      if (queue.waiting().length === 0) return [];
      return write(() => {
        const claims: Claim[] = [];
        queue.take(terms, (row) => {
          Object.assign(row, { status: "PROCESSING", attempt: row.attempt + 1, lease: { boot, until: clock.monotonic() + terms.leaseMs } });
          claims.push(toClaim(row, clock.now()));
        });
        return claims;
      });
    },

    advance: (lease, { events, checkpoint, leaseMs }) =>
      underLease(lease, (row) => {
        const frames = print(row, events, clock.now());
        const saved = checkpoint === undefined ? row.checkpoint : JSON.stringify(checkpoint);
        append(row, frames, events);
        row.checkpoint = saved;
        row.lease!.until = clock.monotonic() + leaseMs;
        return { outcome: "advanced", frames, cancelRequested: row.cancelRequested };
      }),

    reschedule: (lease, { runAt, events, failures = 1 }) =>
      underLease(lease, (row) => ({
        outcome: "written",
        frames: giveBack(state, row, { status: "RETRYING", runAt, events, failures }),
      })),

    release: async (lease, { crashed }) => {
      const written = await underLease(lease, (row) => ({
        outcome: "written" as const,
        frames: giveBack(state, row, { status: "PENDING", runAt: clock.now(), events: [], crashes: crashed ? 1 : 0 }),
      }));
      if (written.outcome === "written") state.onRunnable();
      return written;
    },

    settle: (lease, settlement) =>
      underLease(lease, (row) => ({
        outcome: "written",
        frames: end(state, row, { status: settlement.status, events: settledEvents(settlement, row.cancelRequested) }),
      })),
  };
}

function toClaim(row: Row, now: number): Claim {
  const { key, attempt, requestId, owner, action, maxAttempts, timeoutMs, failures, crashes, cancelRequested } = row;
  return {
    lease: {
      key,
      attempt,
    },
    requestId,
    owner,
    action,
    maxAttempts,
    timeoutMs,
    failures,
    crashes,
    cancelRequested,
    payload: JSON.parse(row.payloadText) as JsonValue,
    metadata: { ...row.metadata },
    permissions: [...row.permissions],
    ...(row.checkpoint !== undefined && { checkpoint: JSON.parse(row.checkpoint) as JsonValue }),
    submittedAt: row.createdAt,
    queueMs: Math.max(0, now - row.runAt),
  };
}
