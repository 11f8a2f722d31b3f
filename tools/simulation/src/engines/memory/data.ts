/** What outlives a process of the memory engine, in plain maps; and one stored request. */
import type { Frame, Owner, RequestKey, Submission, Told } from "@streamer/core";
import type { RequestStatus } from "@streamer/protocol";

export interface Row {
  readonly id: number;
  readonly key: RequestKey;
  readonly requestId: string;
  readonly owner: Owner;
  readonly action: string;
  readonly idempotencyKey: string | undefined;
  readonly payloadText: string;
  readonly metadata: Submission["metadata"];
  permissions: readonly string[];
  readonly priority: number;
  readonly size: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly retentionMs: number;
  readonly createdAt: number;
  runAt: number;
  status: RequestStatus;
  attempt: number;
  failures: number;
  crashes: number;
  cancelRequested: boolean;
  seq: number;
  readonly events: Frame[];
  progress: Frame | undefined;
  /** Of the event that says how it ended, or how its last attempt failed. */
  ending: Frame | undefined;
  /** When its last attempt failed, epoch ms. */
  failedAt: number | undefined;
  checkpoint: string | undefined;
  endedAt: number | undefined;
  expiresAt: number | undefined;
  /** The process that runs it, and until when by that process's monotonic time. */
  lease: { readonly boot: number; until: number } | undefined;
  /** Monotonic ms of this process at which it is due, whatever the wall clock says. Undefined: at `runAt`. */
  dueAt: number | undefined;
  /** What its followers know of why it waits. */
  told: Told | undefined;
}

export interface Data {
  readonly rows: Map<RequestKey, Row>;
  /** Those that have not ended, in the order they came. */
  readonly live: Set<Row>;
  readonly byIdempotencyKey: Map<string, Row>;
  /** What was forgotten, and until when that is known: epoch ms. */
  readonly tombstones: Map<RequestKey, number>;
  /** By action and series. */
  readonly runTimes: Map<string, Map<string, string>>;
  ids: number;
  boots: number;
}

export const createData = (): Data => ({
  rows: new Map(),
  live: new Set(),
  byIdempotencyKey: new Map(),
  tombstones: new Map(),
  runTimes: new Map(),
  ids: 0,
  boots: 0,
});

export const idempotencyName = ({ tenantId, userId }: Owner, key: string): string => JSON.stringify([tenantId, userId, key]);

export function forget({ rows, live, byIdempotencyKey }: Data, row: Row): void {
  rows.delete(row.key);
  live.delete(row);
  if (row.idempotencyKey === undefined) return;
  const name = idempotencyName(row.owner, row.idempotencyKey);
  // Another may have come under it since.
  if (byIdempotencyKey.get(name) === row) byIdempotencyKey.delete(name);
}
