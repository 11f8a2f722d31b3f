/** What is in the memory engine, for invariants: copies, as they are now. */
import { isTerminal } from "@streamer/protocol";
import type { Contents, StoredRequest } from "../../engine.ts";
import { idempotencyName, type Data, type Row } from "./data.ts";

function toStored(row: Row): StoredRequest {
  const { key, requestId, owner, action, idempotencyKey, status, attempt, failures, crashes, cancelRequested, seq, events, progress } = row;
  const { maxAttempts, createdAt, runAt, endedAt, expiresAt } = row;
  const about = { key, requestId, owner, action, idempotencyKey, status, attempt, failures, crashes, cancelRequested, seq };
  const all = [...events, ...(progress ? [progress] : [])].toSorted((a, b) => a.seq - b.seq);
  return { ...about, maxAttempts, createdAt, runAt, endedAt, expiresAt, events: all };
}

export function createContents(data: Data): Omit<Contents, "blobs"> {
  const checkRow = (row: Row): readonly string[] => {
    const { key, owner, idempotencyKey, status } = row;
    const indexed =
      idempotencyKey === undefined || isTerminal(status) || data.byIdempotencyKey.get(idempotencyName(owner, idempotencyKey)) === row;
    return [
      ...(data.live.has(row) === isTerminal(status)
        ? [`${key} is ${status}, and is ${data.live.has(row) ? "" : "not "}among those that live`]
        : []),
      ...((row.lease !== undefined) === (status === "PROCESSING") ? [] : [`${key} is ${status}, and its lease is not`]),
      ...(indexed ? [] : [`${key} is not found by its idempotency key`]),
    ];
  };
  return {
    read: (key) => {
      const row = data.rows.get(key);
      return row && toStored(row);
    },
    all: () => Array.from(data.rows.values(), toStored),
    check: () => Array.from(data.rows.values()).flatMap(checkRow),
  };
}
