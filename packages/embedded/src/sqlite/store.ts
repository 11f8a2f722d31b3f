/** What the verbs of requests.ts share: one database, one transaction queue, one event log, one backlog. */
import type { DatabaseSync } from "node:sqlite";
import { asError, type Clock, type Log } from "@streamer/core";
import { createBacklog, type Backlog } from "../requests/backlog.ts";
import { IS_INTACT } from "./checksums.ts";
import { createDamage, dataLoss, type Damage } from "./damage.ts";
import type { Database } from "./database.ts";
import { createEventLog, type EventLog } from "../requests/event-log.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { createKeyFilter, type KeyFilter } from "../requests/key-filter.ts";
import { createRetentionClock, type RetentionClock } from "../requests/retention-clock.ts";
import { createUsage, type Usage } from "../requests/usage.ts";
import { createRowImages, type RowImages } from "../requests/row-images.ts";
import { createUndoLog } from "./undo-log.ts";

export interface Store {
  readonly db: DatabaseSync;
  /** Numbers this process: a lease of another boot is over (P3). */
  readonly boot: number;
  readonly clock: Clock;
  readonly write: GroupCommit["write"];
  readonly retention: RetentionClock;
  readonly log: EventLog;
  readonly backlog: Backlog;
  readonly usage: Usage;
  readonly keys: KeyFilter;
  readonly images: RowImages;
  /** The id of a new row. */
  nextId(): number;
  readonly damage: Damage;
  /** Why the store cannot be read or written, if so: what a small write finds after one that was refused. */
  refusal(): Promise<Error | undefined>;
  /** To be called when something has become runnable: work is due. */
  readonly onRunnable: () => void;
  close(): void;
}

export interface StoreParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly onRunnable: () => void;
}

export function createStore({ database, clock, log, onRunnable }: StoreParts): Store {
  const { db, boot } = database;
  const newest = db.prepare("SELECT created_at FROM requests ORDER BY id DESC LIMIT 1").get()?.["created_at"] as number | undefined;
  const memory = createUndoLog();
  const backlog = createBacklog(memory, () => clock.monotonic());
  const damage = createDamage(log);
  for (const text of database.mended) log.warn({}, text);
  readBacklog(db, backlog, { clock, damage });
  const keys = createKeyFilter({ db, clock, log });
  const images = createRowImages(memory);
  database.checksums.onResealed = images.drop;
  let lastId = db.prepare("SELECT coalesce(max(id), 0) AS id FROM requests").get()!["id"] as number;
  const commits = createGroupCommit(db, memory, damage);
  const readEpoch = db.prepare("SELECT value FROM meta WHERE name = 'epoch'");
  const probe = db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', ?)");
  return {
    db,
    boot,
    clock,
    retention: createRetentionClock(clock, log, newest),
    write: (change) => commits.write(change),
    refusal: async () => {
      try {
        readEpoch.get();
        if (commits.refusal) await commits.write(() => probe.run(String(clock.now())));
        return undefined;
      } catch (error) {
        return asError(error);
      }
    },
    log: createEventLog(db, clock),
    backlog,
    usage: createUsage(db, memory),
    keys,
    images,
    nextId: () => (lastId += 1),
    damage,
    onRunnable,
    close: () => {
      keys.close();
      commits.close();
      database.close();
    },
  };
}

type LiveRow = Parameters<Backlog["add"]>[0] & {
  readonly status: string;
  readonly attempt: number;
  readonly createdAt: number;
  /** When its last attempt failed. */
  readonly failedAt: number | null;
  readonly requestId: string;
  readonly intact: number;
};

interface BacklogParts {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly damage: Pick<Damage, "note">;
}

/** Fills an empty backlog with what the database says, but for what is damaged: nobody can tell what that asked for. */
export function readBacklog(db: DatabaseSync, backlog: Pick<Backlog, "start" | "add">, { clock, damage }: BacklogParts): void {
  const live = db.prepare(`
    SELECT id, action, tenant, user, priority, crashes AS deaths, run_at AS runAt, status, attempt, created_at AS createdAt,
      iif(events.sum IS checksum(events.request, events.seq, text), json_extract(text, '$.timestamp'), NULL) AS failedAt,
      request_id AS requestId, ${IS_INTACT} AS intact
    FROM requests INDEXED BY live LEFT JOIN events ON status = 'RETRYING' AND events.request = id AND events.seq = end_seq
    WHERE ended_at IS NULL`);
  const now = clock.now();
  // Whoever waited for a process that has ended may have been told anything: where it stands, in a while.
  const told = { reason: "queue", at: now } as const;
  for (const row of live.iterate()) {
    const { status, attempt, createdAt, failedAt, runAt, requestId, intact, ...request } = row as unknown as LiveRow;
    if (!intact) damage.note(dataLoss("record", requestId));
    else if (status === "PROCESSING") backlog.start(request);
    else if (status === "RETRYING") {
      // A wall clock that was ahead when it failed, and is right again, makes the wait no longer than it was.
      const backoffMs = Math.min(runAt - now, failedAt === null ? Infinity : runAt - failedAt);
      backlog.add({ ...request, runAt, dueAt: clock.monotonic() + backoffMs, told });
    }
    // Handed back, or never to run later: it is due, and may have been accepted by a clock that was ahead.
    else if (attempt > 0 || runAt <= createdAt) backlog.add({ ...request, runAt: Math.min(runAt, now), dueAt: -Infinity, told });
    else backlog.add({ ...request, runAt, told });
  }
}
