/** ConnectionStore: who is at the other end. */
import { expect } from "vitest";
import type { Connection } from "@streamer/core";
import type { ContractTest } from "../harness.ts";
import { ALICE } from "../samples.ts";

const connection = (connectionId: string, more: Partial<Connection> = {}): Connection => ({
  connectionId,
  owner: ALICE,
  permissions: [],
  connectedAt: 1_000,
  ...more,
});

export function connectionsContract(test: ContractTest): void {
  test("an open connection is known with all it came with", async ({ engine: { connections } }) => {
    const full = connection("c1", { permissions: ["reports:read", "x"], expiresAt: 9_000 });
    await connections.open(full);
    await connections.open(connection("c2"));
    expect(await connections.get("c1")).toEqual(full);
    expect(await connections.get("c2")).toEqual(connection("c2"));
    expect(await connections.get("c3")).toBeUndefined();
  });

  test("a closed connection is unknown, and closing may be repeated", async ({ engine: { connections } }) => {
    await connections.open(connection("c1"));
    await connections.close("c1");
    await connections.close("c1");
    expect(await connections.get("c1")).toBeUndefined();
  });
}
