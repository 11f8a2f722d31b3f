/** A request, as `get` and `list` return it. */
import type { RequestMetadata, ServerMessage } from "@streamer/protocol";
import { present } from "./present.ts";
import { fromSnapshot, type RunState } from "./run-state.ts";

export interface RequestInfo extends RunState {
  readonly id: string;
  readonly action: string;
  /** The newest seq; `attach(id, { after: seq })` continues after it. */
  readonly seq: number;
  readonly createdAt: Date;
  readonly runAt?: Date;
  readonly endedAt?: Date;
  readonly metadata: RequestMetadata;
}

export function describe(item: Omit<ServerMessage<"snapshot">, "type" | "recovered" | "ref">): RequestInfo {
  const { request_id: id, action, seq, created_at: createdAt, run_at: runAt, ended_at: endedAt, metadata = {} } = item;
  return present({
    ...fromSnapshot(item),
    id,
    action,
    seq,
    createdAt: new Date(createdAt),
    metadata,
    runAt: timeOf(runAt),
    endedAt: timeOf(endedAt),
  });
}

const timeOf = (epochMs: number | undefined): Date | undefined => (epochMs === undefined ? epochMs : new Date(epochMs));
