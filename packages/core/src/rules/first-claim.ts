/** What a request begins with, by the write that makes it: for engines, which all do the same. Pure. */
import type { Claim, EventBody, Submission } from "../ports/requests.ts";

/** Its first events, in the order of their seq. */
export function firstEvents({ acknowledge, cancellation }: Submission, queue: Parameters<Submission["acknowledge"]>[0]): EventBody[] {
  return [acknowledge(queue), ...(cancellation ? [cancellation] : [])];
}

/** Its claim, where the same write claims it. `now` in epoch ms: when it was submitted. */
export function firstClaim(submission: Submission, now: number): Claim {
  const { key, requestId, owner, action, payload, metadata, permissions, maxAttempts, timeoutMs, runAt, cancellation } = submission;
  return {
    lease: { key, attempt: 1 },
    requestId,
    owner,
    action,
    payload,
    metadata,
    permissions,
    maxAttempts,
    timeoutMs,
    failures: 0,
    crashes: 0,
    cancelRequested: cancellation !== undefined,
    submittedAt: now,
    queueMs: Math.max(0, now - (runAt ?? now)),
  };
}
