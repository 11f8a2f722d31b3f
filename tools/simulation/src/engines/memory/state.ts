/** What the verbs of the memory engine share: the data, this process's place in it, and one queue of writes. */
import { StreamerError, type Clock } from "@streamer/core";
import type { Data, Row } from "./data.ts";
import { createQueue, type Queue } from "./queue.ts";
import { createUsage, type Usage } from "./usage.ts";
import { createRetentionClock, type RetentionClock } from "./retention-clock.ts";

export interface State {
  readonly data: Data;
  /** Numbers this process: a lease of another is over. */
  readonly boot: number;
  readonly clock: Clock;
  readonly retention: RetentionClock;
  readonly queue: Queue;
  readonly usage: Usage;
  readonly onRunnable: () => void;
  /** Changes are made together at the end of the turn, in their order; each resolves once it is made (P1). */
  write<T>(change: () => T): Promise<T>;
}

export interface OpenState extends State {
  /** What is waiting is made, or not; nothing is made any more. */
  close(commits: boolean): void;
}

export function openState(data: Data, clock: Clock, onRunnable: () => void): OpenState {
  data.boots += 1;
  for (const row of data.live) lookAnew(row, clock);
  const newest = Array.from(data.rows.values(), ({ id, createdAt }) => [id, createdAt] as const).toSorted(([a], [b]) => b - a)[0];
  let waiting: (() => void)[] = [];
  let isClosed = false;

  const commit = (): void => {
    const batch = waiting;
    waiting = [];
    for (const make of batch) make();
  };

  return {
    data,
    boot: data.boots,
    clock,
    retention: createRetentionClock(clock, newest?.[1]),
    queue: createQueue(data, clock),
    usage: createUsage(data),
    onRunnable,
    write: <T>(change: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (isClosed) return reject(new StreamerError("SERVICE_UNAVAILABLE", "The store is closed."));
        if (waiting.length === 0) setImmediate(commit);
        waiting.push(() => {
          try {
            resolve(change());
          } catch (error) {
            reject(error);
          }
        });
      }),
    close: (commits) => {
      if (commits) commit();
      waiting = [];
      isClosed = true;
    },
  };
}

/** What a new process knows of one that was left: when it is due by its own time, and that its followers may have been told anything. */
function lookAnew(row: Row, clock: Clock): void {
  const now = clock.now();
  const { status, attempt, createdAt, failedAt, runAt } = row;
  row.told = { reason: "queue", at: now };
  // A wall clock that was ahead when it failed, and is right again, makes the wait no longer than it was.
  if (status === "RETRYING") row.dueAt = clock.monotonic() + Math.min(runAt - now, failedAt === undefined ? Infinity : runAt - failedAt);
  else row.dueAt = attempt > 0 || runAt <= createdAt ? -Infinity : undefined;
}
