/**
 * The verbs of a running request. Each begins by looking for the row under its fence (running, this attempt, this
 * process) in the transaction that then writes: a lost lease writes nothing (P3). A deadline that has passed loses
 * nothing by itself: it lets `recover` ask whether the run still lives, and a process that was paused, or whose loop was
 * held, goes on by its next write. Deadlines are monotonic time of this process, so that a wall clock that jumps ends no
 * lease and keeps none alive.
 */
import { settledEvents, type Lease, type Requests } from "@streamer/core";
import type { MovingRow, Transitions } from "./transitions.ts";
import { checksumOf, checksumOfRequest, isIntact } from "../sqlite/checksums.ts";
import type { RequestRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

export function createLeasedWrites(
  store: Store,
  transitions: Transitions,
): Pick<Requests, "advance" | "reschedule" | "release" | "settle"> {
  const { db, clock, log, images, damage, usage } = store;
  const findHeld = db.prepare(`
    SELECT id, request_id, seq, action, tenant, user, priority, retention_ms, cancel_requested FROM requests
    WHERE key = ? AND status = 'PROCESSING' AND attempt = ? AND boot = ?`);
  const findWhole = db.prepare("SELECT * FROM requests WHERE key = ? AND status = 'PROCESSING' AND attempt = ? AND boot = ?");
  const goOn = db.prepare("UPDATE requests SET lease_until = ?, seq = ?, progress_seq = ?, progress = ?, bytes = ?, sum = ? WHERE id = ?");
  const checkpointBytes = db.prepare("SELECT octet_length(state) AS bytes FROM checkpoints WHERE request = ?");
  const saveCheckpoint = db.prepare(
    "INSERT INTO checkpoints (request, state, sum) VALUES (?, ?, ?) ON CONFLICT (request) DO UPDATE SET state = excluded.state, sum = excluded.sum",
  );

  const underLease = <T>(lease: Lease, change: (row: MovingRow) => T): Promise<T | { readonly outcome: "lost" }> =>
    store.write(() => {
      const row = findHeld.get(lease.key, lease.attempt, store.boot) as MovingRow | undefined;
      return row ? change(row) : { outcome: "lost" };
    });

  const heldWhole = ({ key, attempt }: Lease): RequestRow | undefined => {
    const known = images.of(key)?.row;
    if (known?.status === "PROCESSING" && known.attempt === attempt && known.boot === store.boot) return known;
    const row = findWhole.get(key, attempt, store.boot) as RequestRow | undefined;
    if (row) damage.check(isIntact(row), "record", row.request_id);
    return row;
  };

  /** In place of the one before it. Returns by how many bytes it is longer. */
  const save = (id: number, state: string): number => {
    const before = (checkpointBytes.get(id)?.["bytes"] as number | undefined) ?? 0;
    saveCheckpoint.run(id, state, checksumOf([id, state]));
    return Buffer.byteLength(state) - before;
  };

  return {
    advance: (lease, { events, checkpoint, leaseMs }) =>
      store.write(() => {
        const row = heldWhole(lease);
        if (!row) return { outcome: "lost" };
        const { frames, seq, progress, bytes: appended } = log.append(row, events);
        const more = appended + (checkpoint === undefined ? 0 : save(row.id, JSON.stringify(checkpoint)));
        const moved = {
          ...row,
          lease_until: clock.monotonic() + leaseMs,
          seq,
          progress_seq: progress?.seq ?? row.progress_seq,
          progress: progress?.text ?? row.progress,
          bytes: row.bytes + more,
        };
        const sum = checksumOfRequest(moved);
        goOn.run(moved.lease_until, seq, moved.progress_seq, moved.progress, moved.bytes, sum, row.id);
        const hasCheckpoint = checkpoint !== undefined || images.byId(row.id)?.hasCheckpoint !== false;
        images.put({ row: { ...moved, sum }, input: undefined, hasCheckpoint });
        usage.add(row.tenant, row.user, more);
        return { outcome: "advanced", frames, cancelRequested: row.cancel_requested === 1 };
      }),

    reschedule: (lease, { runAt, events, failures = 1 }) =>
      underLease(lease, (row) => ({
        outcome: "written",
        frames: transitions.giveBack(row, { status: "RETRYING", runAt, events, failures }),
      })),

    release: async (lease, { crashed }) => {
      const written = await underLease(lease, (row) => ({
        outcome: "written" as const,
        frames: transitions.giveBack(row, { status: "PENDING", runAt: clock.now(), events: [], crashes: crashed ? 1 : 0 }),
      }));
      if (written.outcome === "written") store.onRunnable();
      return written;
    },

    settle: (lease, settlement) =>
      store.write(() => {
        const row = heldWhole(lease);
        if (!row) return { outcome: "lost" };
        const events = settledEvents(settlement, row.cancel_requested === 1);
        return { outcome: "written", frames: transitions.end(row, { ...settlement, events }) };
      }),
  };
}
