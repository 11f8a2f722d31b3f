/** How a row moves on: its events are printed first, so that a change that fails has changed nothing. */
import { endingOf, progressOf, type EventBody, type Frame, type RequestRecord } from "@streamer/core";
import { isTerminal, printMessage, type JsonObject } from "@streamer/protocol";
import type { Row } from "./data.ts";
import type { State } from "./state.ts";

/** The frames of events that follow what the row has. */
export function print({ requestId, seq }: Pick<Row, "requestId" | "seq">, bodies: readonly EventBody[], now: number): readonly Frame[] {
  return bodies.map((body, at): Frame => {
    const text = printMessage({ ...body, request_id: requestId, seq: seq + at + 1, timestamp: Math.round(now) });
    return { seq: seq + at + 1, kind: body.type === "progress" ? "progress" : "durable", text };
  });
}

/** Stores printed events: every durable one, and the newest progress in place of the one before it (P5). */
export function append(row: Row, frames: readonly Frame[], bodies: readonly EventBody[]): void {
  for (const [at, frame] of frames.entries()) {
    if (frame.kind === "progress") row.progress = frame;
    else row.events.push(frame);
    const { type } = bodies[at]!;
    if (type === "complete" || type === "error" || type === "retrying") row.ending = frame;
    row.seq = frame.seq;
  }
}

interface Ending {
  readonly status: "COMPLETED" | "FAILED" | "CANCELLED";
  readonly events: readonly EventBody[];
}

/** It ends, and its retention begins (P2, P7). */
export function end({ data, clock, retention }: State, row: Row, { status, events }: Ending): readonly Frame[] {
  const frames = print(row, events, clock.now());
  row.ending = undefined;
  append(row, frames, events);
  Object.assign(row, {
    status,
    endedAt: Math.round(clock.now()),
    expiresAt: Math.ceil(retention.latest() + row.retentionMs),
    lease: undefined,
    // A dead letter keeps its checkpoint: redriven, it goes on where it stopped (P9).
    ...(status !== "FAILED" && { checkpoint: undefined }),
  });
  data.live.delete(row);
  return frames;
}

interface Return {
  readonly status: "PENDING" | "RETRYING";
  readonly runAt: number;
  readonly events: readonly EventBody[];
  readonly failures?: number;
  readonly crashes?: number;
}

/** It waits again; `failures` and `crashes` are added. */
export function giveBack(
  { data, clock }: State,
  row: Row,
  { status, runAt: wanted, events, failures = 0, crashes = 0 }: Return,
): readonly Frame[] {
  const frames = print(row, events, clock.now());
  const now = clock.now();
  const runAt = Math.ceil(wanted);
  row.ending = undefined;
  append(row, frames, events);
  const isRetrying = status === "RETRYING";
  Object.assign(row, {
    status,
    runAt,
    failures: row.failures + failures,
    crashes: row.crashes + crashes,
    lease: undefined,
    failedAt: isRetrying ? now : undefined,
    // A backoff is a while, not a moment; what is handed back is due at once.
    dueAt: isRetrying ? clock.monotonic() + runAt - now : -Infinity,
    told: isRetrying ? { reason: "backoff", at: now } : undefined,
  });
  // As what has come last.
  data.live.delete(row);
  data.live.add(row);
  return frames;
}

export const isExpired = ({ expiresAt }: Row, now: number): boolean => expiresAt !== undefined && expiresAt <= now;

export function toRecord(row: Row, waitingFor: RequestRecord["waitingFor"]): RequestRecord {
  const { key, requestId, owner, action, status, attempt, seq, metadata, createdAt, runAt, endedAt, progress, ending } = row;
  const showsEnding = status === "RETRYING" || isTerminal(status);
  return {
    key,
    requestId,
    owner,
    action,
    status,
    attempt,
    seq,
    metadata: { ...metadata },
    createdAt,
    runAt,
    ...(endedAt !== undefined && { endedAt }),
    ...(waitingFor && { waitingFor }),
    ...(progress && { progress: progressOf(JSON.parse(progress.text) as JsonObject) }),
    ...(showsEnding && ending && endingOf(JSON.parse(ending.text) as JsonObject)),
  };
}
