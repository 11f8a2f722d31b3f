/** What the verbs of requests.ts share: one database, one transaction queue, one event log, one backlog. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@streamer/core";
import { createBacklog, type Backlog } from "../requests/backlog.ts";
import type { Database } from "./database.ts";
import { createEventLog, type EventLog } from "../requests/event-log.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";

export interface Store {
  readonly db: DatabaseSync;
  /** Numbers this process: a lease of another boot is over (P3). */
  readonly boot: number;
  readonly clock: Clock;
  readonly write: GroupCommit["write"];
  readonly log: EventLog;
  readonly backlog: Backlog;
  /** To be called when something has become runnable: work is due. */
  readonly onRunnable: () => void;
  close(): void;
}

export function createStore(database: Database, clock: Clock, onRunnable: () => void): Store {
  const { db, boot } = database;
  const backlog = createBacklog();
  const live = db.prepare(
    "SELECT id, action, tenant, priority, run_at AS runAt, status FROM requests INDEXED BY live WHERE ended_at IS NULL",
  );
  const reload = (): void => {
    backlog.clear();
    for (const row of live.iterate()) {
      const request = row as unknown as Parameters<Backlog["add"]>[0] & { status: string };
      if (request.status === "PROCESSING") backlog.start(request);
      // Whoever waited for a process that has ended may have been told anything: where it stands, in a while.
      else backlog.add({ ...request, told: { reason: "queue", at: clock.now() } });
    }
  };
  reload();
  const commits = createGroupCommit(db, reload);
  return {
    db,
    boot,
    clock,
    write: (change) => commits.write(change),
    log: createEventLog(db, clock),
    backlog,
    onRunnable,
    close: () => {
      commits.close();
      database.close();
    },
  };
}
