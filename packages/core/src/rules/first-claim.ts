/** The claim of a request that was claimed by the write that made it: for engines, which all answer the same. Pure. */
import type { Claim, Submission } from "../ports/requests.ts";

/** `now` in epoch ms: when it was submitted. */
export function firstClaim(submission: Submission, now: number): Claim {
  const { key, requestId, owner, action, payload, metadata, permissions, maxAttempts, timeoutMs, runAt } = submission;
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
    cancelRequested: false,
    submittedAt: now,
    queueMs: Math.max(0, now - (runAt ?? now)),
  };
}
