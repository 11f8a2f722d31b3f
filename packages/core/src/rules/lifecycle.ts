/**
 * The life of a stored request: what each verb of ports/requests.ts may make of each status. Written once: the contract's
 * model holds every engine to it, a test the drawing in ARCHITECTURE.md and the table in docs/protocol.md §8. Pure.
 */
import type { RequestStatus } from "@streamer/protocol";

export type LifecycleVerb = "submit" | "claim" | "reschedule" | "release" | "settle" | "requestCancel" | "recover" | "redrive";

/** What may follow; none where the verb changes nothing. A cell that is missing does not compile. */
type Row = Readonly<Record<LifecycleVerb, readonly RequestStatus[]>>;

const NOTHING: Row = {
  submit: [],
  claim: [],
  reschedule: [],
  release: [],
  settle: [],
  requestCancel: [],
  recover: [],
  redrive: [],
};

export const LIFECYCLE: Readonly<Record<RequestStatus | "UNKNOWN", Row>> = {
  // PROCESSING: the write claims it too, for a free slot or for the run that is promoted.
  UNKNOWN: { ...NOTHING, submit: ["PENDING", "PROCESSING"] },
  PENDING: { ...NOTHING, claim: ["PROCESSING"], requestCancel: ["CANCELLED"] },
  PROCESSING: {
    ...NOTHING,
    reschedule: ["RETRYING"],
    release: ["PENDING"],
    settle: ["COMPLETED", "FAILED", "CANCELLED"],
    recover: ["PENDING", "FAILED", "CANCELLED"],
  },
  RETRYING: { ...NOTHING, claim: ["PROCESSING"], requestCancel: ["CANCELLED"] },
  COMPLETED: NOTHING,
  FAILED: { ...NOTHING, redrive: ["PENDING"] },
  CANCELLED: NOTHING,
};
