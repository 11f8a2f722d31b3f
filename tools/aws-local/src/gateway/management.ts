/** The @connections API: push to a connection, look at it, close it. A connection that is not there, or whose $connect has not been answered yet, is gone. */
import { setTimeout as wait } from "node:timers/promises";
import type { Environment } from "../assembly/intrinsics.ts";
import type { Dials } from "../dials.ts";
import { ServiceError, type Call, type Reply } from "../http.ts";
import { pushAccess } from "../iam/actions.ts";
import type { Gate } from "../iam/gate.ts";
import type { Connection, Connections } from "./connections.ts";

export interface ManagementParts {
  readonly connections: Connections;
  readonly gate: Gate;
  readonly environment: Environment;
  readonly apiId: string;
  readonly stage: string;
  readonly dials: Dials["gateway"];
}
export interface PushStatistics {
  pushes: number;
  pushedBytes: number;
  gone: number;
  throttled: number;
  dropped: number;
}

export function createManagement({ connections, gate, environment, apiId, stage, dials }: ManagementParts): {
  answer(call: Call): Promise<Reply>;
  readonly statistics: PushStatistics;
} {
  const { faults, messageBytes } = dials;
  const statistics: PushStatistics = { pushes: 0, pushedBytes: 0, gone: 0, throttled: 0, dropped: 0 };
  let callCount = 0;
  let pushCount = 0;
  const every = (count: number, nth: number): boolean => nth > 0 && count % nth === 0;

  const push = async (connection: Connection, body: Buffer): Promise<Reply> => {
    if (body.length > messageBytes) throw new ServiceError("PayloadTooLargeException", 413, "Message too large");
    pushCount += 1;
    if (every(pushCount, faults.dropEvery)) {
      statistics.dropped += 1;
      return { status: 200 };
    }
    if (faults.pushDelayMs > 0) await wait(faults.pushDelayMs);
    const { socket } = connection;
    if (!socket || socket.readyState !== socket.OPEN) throw gone();
    await new Promise<void>((resolve, reject) => {
      socket.send(body, { binary: false }, (error) => (error ? reject(gone()) : resolve()));
    });
    connections.touch(connection);
    statistics.pushes += 1;
    statistics.pushedBytes += body.length;
    return { status: 200 };
  };
  const gone = (): ServiceError => {
    statistics.gone += 1;
    return new ServiceError("GoneException", 410, "The connection is gone.");
  };

  return {
    statistics,
    answer: async ({ method, url, headers, body }) => {
      const [, calledStage, marker, encodedId = ""] = url.pathname.split("/");
      if (calledStage !== stage || marker !== "@connections") throw new ServiceError("ForbiddenException", 403, "Forbidden");
      const connectionId = decodeURIComponent(encodedId);
      gate.check(headers, url, () => pushAccess(environment, `${apiId}/${stage}/@connections/${connectionId}`, method));
      callCount += 1;
      if (every(callCount, faults.throttleEvery)) {
        statistics.throttled += 1;
        throw new ServiceError("LimitExceededException", 429, "Rate exceeded");
      }
      const connection = connections.ready(connectionId);
      if (!connection) throw gone();
      if (method === "POST") return push(connection, body);
      if (method === "DELETE") {
        connections.close(connection, 1000, "Connection Closed Normally");
        return { status: 204 };
      }
      if (method !== "GET") throw new ServiceError("ForbiddenException", 403, "Forbidden");
      const { connectedAt, identity } = connection.facts;
      const time = (at: number): string => new Date(at).toISOString();
      return {
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          connectedAt: time(connectedAt),
          lastActiveAt: time(connection.lastActiveAt),
          identity: { ...identity, userAgent: identity.userAgent ?? "" },
        }),
      };
    },
  };
}
