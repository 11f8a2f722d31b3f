/** What the verbs of requests.ts share: one database, one transaction queue, one event log, one backlog. */
import type { DatabaseSync } from "node:sqlite";
import { asError, type Clock } from "@streamer/core";
import { createBacklog, type Backlog } from "../requests/backlog.ts";
import type { Database } from "./database.ts";
import { createEventLog, type EventLog } from "../requests/event-log.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { createUndoLog } from "./undo-log.ts";

export interface Store {
  readonly db: DatabaseSync;
  /** Numbers this process: a lease of another boot is over (P3). */
  readonly boot: number;
  readonly clock: Clock;
  readonly write: GroupCommit["write"];
  readonly log: EventLog;
  readonly backlog: Backlog;
  /** Why the store cannot be read or written, if so: what a small write finds after one that was refused. */
  refusal(): Promise<Error | undefined>;
  /** To be called when something has become runnable: work is due. */
  readonly onRunnable: () => void;
  close(): void;
}

export function createStore(database: Database, clock: Clock, onRunnable: () => void): Store {
  const { db, boot } = database;
  const memory = createUndoLog();
  const backlog = createBacklog(memory);
  readBacklog(db, backlog, clock.now());
  const commits = createGroupCommit(db, memory);
  const readEpoch = db.prepare("SELECT value FROM meta WHERE name = 'epoch'");
  const probe = db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', ?)");
  return {
    db,
    boot,
    clock,
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
    onRunnable,
    close: () => {
      commits.close();
      database.close();
    },
  };
}

/** Fills an empty backlog with what the database says. */
export function readBacklog(db: DatabaseSync, backlog: Pick<Backlog, "start" | "add">, now: number): void {
  const live = db.prepare(
    "SELECT id, action, tenant, user, priority, run_at AS runAt, status FROM requests INDEXED BY live WHERE ended_at IS NULL",
  );
  for (const row of live.iterate()) {
    const request = row as unknown as Parameters<Backlog["add"]>[0] & { status: string };
    if (request.status === "PROCESSING") backlog.start(request);
    // Whoever waited for a process that has ended may have been told anything: where it stands, in a while.
    else backlog.add({ ...request, told: { reason: "queue", at: now } });
  }
}
