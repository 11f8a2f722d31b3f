/** The status of a request. Which follows which: docs/protocol.md §8. */
export const REQUEST_STATUSES = ["PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

export type TerminalStatus = Extract<RequestStatus, "COMPLETED" | "FAILED" | "CANCELLED">;

export function isTerminal(status: RequestStatus): status is TerminalStatus {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
}
