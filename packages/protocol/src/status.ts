/**
 * The life of a request (DESIGN: lifecycle).
 *
 *   PENDING ──claim──> PROCESSING ──settle──> COMPLETED | FAILED | CANCELLED
 *      ^                   │ reschedule
 *      └────── due ── RETRYING            PENDING | RETRYING ──cancel──> CANCELLED
 */
export const REQUEST_STATUSES = ["PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

export type TerminalStatus = Extract<RequestStatus, "COMPLETED" | "FAILED" | "CANCELLED">;

export function isTerminal(status: RequestStatus): status is TerminalStatus {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
}
