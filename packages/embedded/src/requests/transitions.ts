/**
 * How a request row moves on, shared by the verbs: each change of state appends its events and keeps the backlog in
 * step, inside the same transaction.
 */
import type { EventBody, Frame } from "@streamer/core";
import { checksumOfRequest } from "../sqlite/checksums.ts";
import type { RequestRow } from "./rows.ts";
import type { Appended } from "./event-log.ts";
import type { Store } from "../sqlite/store.ts";

export type MovingRow = Pick<
  RequestRow,
  "id" | "request_id" | "seq" | "action" | "tenant" | "user" | "priority" | "retention_ms" | "cancel_requested"
>;

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
  /** How often its process has died while it ran, this time included. */
  readonly deaths?: number;
}

export interface Transitions {
  /** It ends, and its retention begins (P2, P7). The row is one that was found intact. */
  end(row: RequestRow, ending: Ending): readonly Frame[];
  /** It waits again; `failures` and `crashes` are added. */
  giveBack(row: MovingRow, change: Return): readonly Frame[];
  /** Stores the seq and the newest progress of what was appended. */
  note(row: Pick<MovingRow, "id" | "tenant" | "user">, appended: Appended): void;
}

type Parts = Pick<Store, "db" | "clock" | "retention" | "log" | "backlog" | "usage" | "images">;

export function createTransitions({ db, clock, retention, log, backlog, usage, images }: Parts): Transitions {
  const noteSeq = db.prepare("UPDATE requests SET seq = ?, bytes = bytes + ? WHERE id = ?");
  const noteProgress = db.prepare("UPDATE requests SET seq = ?, bytes = bytes + ?, progress_seq = ?, progress = ? WHERE id = ?");
  const finish = db.prepare(`
    UPDATE requests SET status = ?, seq = ?, end_seq = ?, ended_at = ?, expires_at = ?, boot = NULL, lease_until = NULL,
      bytes = ?, progress_seq = ?, progress = ?, sum = ? WHERE id = ?`);
  const wait = db.prepare(`
    UPDATE requests SET status = ?, run_at = ?, failures = failures + ?, crashes = crashes + ?, end_seq = ?, boot = NULL, lease_until = NULL
    WHERE id = ?`);
  const dropCheckpoint = db.prepare("DELETE FROM checkpoints WHERE request = ? RETURNING octet_length(state) AS bytes");

  const note: Transitions["note"] = ({ id, tenant, user }, { frames, seq, progress, bytes }) => {
    if (progress) noteProgress.run(seq, bytes, progress.seq, progress.text, id);
    else if (frames.length > 0) noteSeq.run(seq, bytes, id);
    usage.add(tenant, user, bytes);
  };

  return {
    note,
    end: (row, { status, events }) => {
      const { frames, seq, progress, endSeq, bytes: appended } = log.append(row, events);
      const expiresAt = Math.ceil(retention.latest() + row.retention_ms);
      // A dead letter keeps its checkpoint: redriven, it goes on where it stopped (P9).
      const keeps = status === "FAILED" || images.byId(row.id)?.hasCheckpoint === false;
      const dropped = keeps ? 0 : ((dropCheckpoint.get(row.id)?.["bytes"] as number | undefined) ?? 0);
      const bytes = appended - dropped;
      const ended = {
        ...row,
        status,
        seq,
        end_seq: endSeq ?? null,
        ended_at: Math.round(clock.now()),
        expires_at: expiresAt,
        boot: null,
        lease_until: null,
        bytes: row.bytes + bytes,
        progress_seq: progress?.seq ?? row.progress_seq,
        progress: progress?.text ?? row.progress,
      };
      finish.run(
        ended.status,
        ended.seq,
        ended.end_seq,
        ended.ended_at,
        ended.expires_at,
        ended.bytes,
        ended.progress_seq,
        ended.progress,
        checksumOfRequest(ended),
        ended.id,
      );
      images.drop(row.id);
      usage.add(row.tenant, row.user, bytes);
      backlog.drop(row.id);
      return frames;
    },
    giveBack: (row, { status, runAt: wanted, events, failures = 0, crashes = 0, deaths = 0 }) => {
      const runAt = Math.ceil(wanted);
      const appended = log.append(row, events);
      note(row, appended);
      wait.run(status, runAt, failures, crashes, appended.endSeq ?? null, row.id);
      backlog.drop(row.id);
      // `retrying` says what it waits for; whoever is handed back has been told nothing.
      const told = status === "RETRYING" && ({ reason: "backoff", at: clock.now() } as const);
      const { id, action, tenant, user, priority } = row;
      // A backoff is a while, not a moment: a wall clock that jumps makes it no longer. What is handed back is due at once.
      const dueAt = status === "RETRYING" ? clock.monotonic() + runAt - clock.now() : -Infinity;
      backlog.add({ id, action, tenant, user, priority, runAt, dueAt, deaths, ...(told && { told }) });
      return appended.frames;
    },
  };
}
