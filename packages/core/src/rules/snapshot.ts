/** A request's record as clients see it. Pure. */
import type { ServerMessage } from "@streamer/protocol";
import type { RequestRecord } from "../ports/requests.ts";

export function snapshotOf(record: RequestRecord, now: number): Omit<ServerMessage<"snapshot">, "recovered" | "ref"> {
  const { requestId, seq, action, status, attempt, metadata, createdAt, runAt, endedAt, waitingFor, progress, result, error } = record;
  return {
    type: "snapshot",
    request_id: requestId,
    seq,
    timestamp: Math.round(now),
    action,
    status,
    attempt,
    created_at: Math.round(createdAt),
    run_at: Math.round(runAt),
    ...(endedAt !== undefined && { ended_at: Math.round(endedAt) }),
    ...(waitingFor && { waiting_for: waitingFor.reason }),
    ...(waitingFor?.position !== undefined && { position: waitingFor.position }),
    ...(progress && { progress }),
    ...(result !== undefined && { result }),
    ...(error && { error }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}
