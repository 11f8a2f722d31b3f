/**
 * The verbs of a running request. Each looks at the row under its fence (running, this attempt, this process, lease not
 * over) and is written under the condition that the row is still that one: a lost lease writes nothing (P3).
 *
 * What others wrote meanwhile (a cancellation that was asked for) is part of the frames an `advance` answers with: this
 * process is the one that tells the followers.
 */
import type { Frame, Lease, Requests } from "@streamer/core";
import type { EventLog } from "./event-log.ts";
import type { RequestRow } from "./rows.ts";
import type { Change, Store } from "./store.ts";
import { changeTo, type Moved, type Transitions } from "./transitions.ts";

type Lost = { readonly outcome: "lost" };
const LOST: Lost = { outcome: "lost" };

export function createLeasedWrites(
  store: Store,
  log: EventLog,
  transitions: Transitions,
): Pick<Requests, "advance" | "reschedule" | "release" | "settle"> {
  const { clock, values } = store;

  const holds = (row: RequestRow | undefined, { attempt }: Lease): row is RequestRow =>
    row?.status === "PROCESSING" && row.attempt === attempt && row.process === store.processId() && row.lease_until! > clock.now();

  /** Lifecycle events of others since this process wrote last. */
  async function foreign(row: RequestRow, since: number | undefined): Promise<readonly Frame[]> {
    if (since === undefined || row.seq === since) return [];
    const missed = row.log.filter(({ seq }) => seq > since);
    return Promise.all(missed.map(async ({ seq, text }): Promise<Frame> => ({ seq, kind: "durable", text: await values.read(text) })));
  }

  /** Makes the move under the lease; then gives up what the row was counted in and held. */
  async function move(
    lease: Lease,
    make: (row: RequestRow) => Promise<Moved>,
  ): Promise<{ outcome: "written"; frames: readonly Frame[] } | Lost> {
    const since = store.held(lease.key)?.seq;
    const counts: RequestRow[] = [];
    let before: RequestRow | undefined;
    const outcome = await store.change(lease.key, async (row): Promise<Change<{ outcome: "written"; frames: readonly Frame[] } | Lost>> => {
      if (!holds(row, lease)) return { answer: LOST };
      before = row;
      const moved = await make(row);
      if (moved.row.counted) counts.push(moved.row);
      return changeTo(moved, { outcome: "written", frames: [...(await foreign(row, since)), ...moved.frames] });
    });
    const isWritten = outcome.outcome === "written";
    // Each try that was not the last was counted in vain.
    await Promise.all([...counts.slice(0, isWritten ? -1 : undefined).map(transitions.undo), isWritten && transitions.follow(before!)]);
    return outcome;
  }

  return {
    advance: (lease, { events, checkpoint, leaseMs }) => {
      const since = store.held(lease.key)?.seq;
      return store.change(lease.key, async (row): Promise<Change<Awaited<ReturnType<Requests["advance"]>>>> => {
        if (!holds(row, lease)) return { answer: LOST };
        const appended = await log.append(row, events);
        const leaseUntil = Math.round(clock.now() + leaseMs);
        const next: RequestRow = {
          ...appended.row,
          lease_until: leaseUntil,
          watch_at: Math.min(row.watch_at!, leaseUntil),
          ...(checkpoint !== undefined && { checkpoint: await values.keep(row, JSON.stringify(checkpoint)) }),
        };
        const frames = [...(await foreign(row, since)), ...appended.frames];
        return { next, also: appended.also, answer: { outcome: "advanced", frames, cancelRequested: row.cancel_requested === true } };
      });
    },
    reschedule: (lease, { runAt, events }) =>
      move(lease, (row) => transitions.giveBack(row, { status: "RETRYING", runAt, events, failures: 1 })),
    release: (lease, { crashed }) =>
      move(lease, (row) => transitions.giveBack(row, { status: "PENDING", runAt: clock.now(), events: [], crashes: crashed ? 1 : 0 })),
    settle: (lease, settlement) => move(lease, (row) => transitions.end(row, settlement)),
  };
}
