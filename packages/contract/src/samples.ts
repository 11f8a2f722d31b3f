/** What the tests submit: requests that differ only in what the test is about. */
import { parseServerMessage, type JsonValue, type ServerMessage } from "@streamer/protocol";
import {
  requestKey,
  type Claim,
  type ClaimTerms,
  type Engine,
  type EventBody,
  type Frame,
  type Owner,
  type RequestRecord,
  type Settlement,
  type Submission,
  type SubmitOutcome,
} from "@streamer/core";
import { expect } from "vitest";

export const LEASE_MS = 30_000;
export const DAY_MS = 86_400_000;
export const ALICE: Owner = { tenantId: "acme", userId: "alice" };
export const BOB: Owner = { tenantId: "acme", userId: "bob" };
export const EVE: Owner = { tenantId: "evil", userId: "alice" };

/** Limits that no test comes near. */
export const UNLIMITED: Submission["limits"] = {
  queued: 1_000_000,
  queuedPerTenant: 1_000_000,
  queuedPerUser: 1_000_000,
  storedBytesPerUser: 1e12,
  storedBytesPerTenant: 1e12,
};

export function submission(requestId: string, more: Partial<Submission> = {}): Submission {
  const owner = more.owner ?? ALICE;
  const { payload = { n: requestId } } = more;
  return {
    key: requestKey(owner, requestId),
    requestId,
    owner,
    action: "work",
    size: 0,
    payload,
    payloadText: JSON.stringify(payload),
    metadata: {},
    permissions: [],
    priority: 5,
    maxAttempts: 3,
    timeoutMs: 60_000,
    retentionMs: 7 * DAY_MS,
    limits: UNLIMITED,
    acknowledge: ({ place, claimed: isRunning }) => ({
      type: "acknowledgment",
      status: isRunning ? "processing" : "queued",
      message: "accepted",
      position: place.position ?? 0,
    }),
    ...more,
  };
}

/** Terms that take `free` requests of the sample action. */
export function terms(free: number, more: Partial<ClaimTerms> = {}): ClaimTerms {
  return { leaseMs: LEASE_MS, lanes: [{ actions: ["work"], free }], concurrency: {}, ...more };
}

export type Created = Extract<SubmitOutcome, { outcome: "created" }>;

/** Submits, and expects it to be new. */
export async function created(engine: Engine, requestId: string, more: Partial<Submission> = {}): Promise<Created> {
  const outcome = await engine.requests.submit(submission(requestId, more));
  expect(outcome.outcome, `submit ${requestId}`).toBe("created");
  return outcome as Created;
}

/** Submits and claims in two steps, and expects to get it. */
export async function running(engine: Engine, requestId: string, more: Partial<Submission> = {}): Promise<Claim> {
  const { key } = submission(requestId, more);
  await created(engine, requestId, more);
  return claimed(engine, key);
}

export async function claimed(engine: Engine, key: Claim["lease"]["key"]): Promise<Claim> {
  const claims = await engine.requests.claim(terms(1, { key }));
  expect(
    claims.map(({ lease }) => lease.key),
    `claim of ${key}`,
  ).toEqual([key]);
  return claims[0]!;
}

export async function record(engine: Engine, key: Claim["lease"]["key"]): Promise<RequestRecord> {
  const lookup = await engine.requests.get(key);
  expect(lookup.outcome, `get ${key}`).toBe("found");
  return (lookup as Extract<typeof lookup, { outcome: "found" }>).record;
}

export const progress = (percentage: number, attempt = 1): EventBody => ({ type: "progress", percentage, attempt });
export const partial = (index: number, data: JsonValue = index): EventBody => ({ type: "partial", stream: "rows", index, data });
export const complete = (result: JsonValue = { ok: true }): EventBody => ({
  type: "complete",
  result,
  metadata: { attempts: 1, queue_ms: 0, run_ms: 5 },
});
export const failed = (message = "it broke"): EventBody => ({
  type: "error",
  error: { code: "PROCESSING_FAILED", message, retry: { retryable: true } },
});
export const cancelled: EventBody = {
  type: "error",
  error: { code: "CANCELLED", message: "cancelled", retry: { retryable: false } },
};
export const receipt = (stage: "requested" | "observed" | "stopped" | "too_late"): EventBody => ({ type: "cancellation", stage });
export const retrying = (attempt: number, retryAt: number): EventBody => ({
  type: "retrying",
  attempt,
  retry_at: retryAt,
  error: { code: "PROCESSING_FAILED", message: "again" },
});
export const CANCEL_EVENTS = { whenWaiting: [receipt("requested"), receipt("stopped"), cancelled], whenRunning: [receipt("requested")] };
/** Recovery by a process that runs nothing itself. */
export const RECOVERY = {
  isAlive: (): boolean => false,
  quarantineAfter: 3,
  quarantined: [failed("its process died 3 times")],
  cancelled: [receipt("stopped"), cancelled],
};
export const COMPLETED: Settlement = { status: "COMPLETED", events: [complete()], runMs: 5 };
export const FAILED: Settlement = { status: "FAILED", events: [failed()], runMs: 5 };

/** A frame as the client reads it: it has to be one of the protocol. */
export function readFrame(frame: Frame): ServerMessage {
  const parsed = parseServerMessage(frame.text);
  if (!parsed.ok) throw new Error(`not a server message: ${parsed.error.message}\n${frame.text.slice(0, 500)}`);
  return parsed.message;
}

/** Everything stored of a request, page by page as a client would. */
export async function replay(engine: Engine, key: Claim["lease"]["key"], after = 0, pageSize = 100): Promise<readonly Frame[]> {
  const frames: Frame[] = [];
  for (;;) {
    const page = await engine.events.after(key, frames.at(-1)?.seq ?? after, pageSize);
    frames.push(...page);
    if (page.length < pageSize) return frames;
  }
}
