/**
 * The verbs of a running request. Each looks at the row under its fence (running, this attempt, this process) and is
 * written under the condition that the row is still that one: a lost lease writes nothing (P3). A lease whose time is over
 * is lost when somebody takes it, not before: a process that was frozen and comes back first goes on.
 *
 * What others wrote meanwhile (a cancellation that was asked for) is part of the frames an `advance` answers with: this
 * process is the one that tells the followers.
 */
import { settledEvents, type AdvanceOutcome, type Frame, type Lease, type Requests, type Written } from "@streamer/core";
import type { EventLog } from "./event-log.ts";
import type { Move } from "./moves.ts";
import { withBytes } from "./row-bytes.ts";
import type { RequestRow } from "./rows.ts";
import type { Change, Store } from "../dynamodb/store.ts";
import type { Moved, Transitions } from "./transitions.ts";

const LOST = { outcome: "lost" } as const;

export function createLeasedWrites(
  store: Store,
  log: EventLog,
  transitions: Transitions,
  move: Move,
): Pick<Requests, "advance" | "reschedule" | "release" | "settle"> {
  const { clock, values } = store;

  const holds = (row: RequestRow | undefined, { attempt }: Lease): row is RequestRow =>
    row?.status === "PROCESSING" && row.attempt === attempt && row.process === store.processId();

  /** Lifecycle events of others since this process wrote last. */
  async function foreign(row: RequestRow, since: number | undefined): Promise<readonly Frame[]> {
    if (since === undefined || row.seq === since) return [];
    const missed = row.log.filter(({ seq }) => seq > since);
    return Promise.all(missed.map(async ({ seq, text }): Promise<Frame> => ({ seq, kind: "durable", text: await values.read(text) })));
  }

  /** In place of the one before it. */
  async function withCheckpoint(row: RequestRow, text: string): Promise<RequestRow> {
    const bytes = Buffer.byteLength(text);
    const counted = withBytes(row, bytes - (row.checkpoint_bytes ?? 0));
    return { ...counted, checkpoint: await values.keep(row, text), checkpoint_bytes: bytes };
  }

  /** Makes the move under the lease. */
  function under(lease: Lease, make: (row: RequestRow) => Promise<Moved>): Promise<Written> {
    const since = store.remembered(lease.key)?.seq;
    return move<Written>(lease.key, async (row) => {
      if (!holds(row, lease)) return { answer: LOST };
      const moved = await make(row);
      return { moved, answer: { outcome: "written", frames: [...(await foreign(row, since)), ...moved.frames] } };
    });
  }

  return {
    advance: (lease, { events, checkpoint, leaseMs }) => {
      const since = store.remembered(lease.key)?.seq;
      return store.change(lease.key, async (row): Promise<Change<AdvanceOutcome>> => {
        if (!holds(row, lease)) return { answer: LOST };
        const appended = await log.append(row, events);
        const leaseUntil = Math.round(clock.now() + leaseMs);
        const next: RequestRow = {
          ...(checkpoint === undefined ? appended.row : await withCheckpoint(appended.row, JSON.stringify(checkpoint))),
          lease_until: leaseUntil,
          watch_at: Math.min(row.watch_at!, leaseUntil),
        };
        const frames = [...(await foreign(row, since)), ...appended.frames];
        return { next, also: appended.also, answer: { outcome: "advanced", frames, cancelRequested: row.cancel_requested === true } };
      });
    },
    reschedule: (lease, { runAt, events, failures = 1 }) =>
      under(lease, (row) => {
        // How an attempt before it failed says nothing of one that waits.
        const { retry_seq: retrySeq, ...rest } = row;
        const kept: RequestRow = failures === 0 || retrySeq === undefined ? rest : { ...rest, retry_seq: retrySeq };
        return transitions.giveBack(kept, { status: "RETRYING", runAt, events, failures });
      }),
    release: (lease, { crashed }) =>
      under(lease, (row) => transitions.giveBack(row, { status: "PENDING", runAt: clock.now(), events: [], crashes: crashed ? 1 : 0 })),
    settle: (lease, settlement) =>
      under(lease, (row) => transitions.end(row, { ...settlement, events: settledEvents(settlement, row.cancel_requested === true) })),
  };
}
