import type { WebSocket } from "ws";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createConnections, type Connection, type Connections } from "./connections.ts";

let connections: Connections;
beforeEach(() => {
  vi.useFakeTimers();
  connections = createConnections({ idleMs: 600_000, lifeMs: 7_200_000 });
});
afterEach(() => {
  connections.stop();
  vi.useRealTimers();
});

const closings: number[] = [];
function open(): Connection {
  closings.length = 0;
  const connection = connections.open({
    connectionId: "c=",
    connectedAt: Date.now(),
    identity: { sourceIp: "127.0.0.1" },
    stage: "live",
    apiId: "api",
    domainName: "localhost",
  });
  connection.socket = { close: (code: number) => closings.push(code), terminate: () => undefined } as unknown as WebSocket;
  return connection;
}

describe("a connection", () => {
  it("is closed with 1001 after ten minutes without a message either way", () => {
    const connection = open();
    vi.advanceTimersByTime(590_000);
    connections.touch(connection);
    vi.advanceTimersByTime(590_000);
    expect(closings).toEqual([]);
    vi.advanceTimersByTime(11_000);
    expect(closings).toEqual([1001]);
    expect(connections.ready("c=")).toBeUndefined();
  });

  it("is closed after two hours, however busy", () => {
    const connection = open();
    for (let minute = 0; minute < 119; minute += 1) {
      vi.advanceTimersByTime(60_000);
      connections.touch(connection);
    }
    expect(closings).toEqual([]);
    vi.advanceTimersByTime(61_000);
    expect(closings).toEqual([1001]);
  });

  it("is not ready before its socket is", () => {
    const connection = open();
    connection.socket = undefined;
    expect(connections.ready("c=")).toBeUndefined();
  });
});
