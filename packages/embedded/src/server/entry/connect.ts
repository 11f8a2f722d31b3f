/** A socket has opened with a verified token: it becomes a connection. The answer is `welcome`. */
import { randomUUID } from "node:crypto";
import type { Streamer } from "@streamer/core";
import type { Identity } from "@streamer/auth";
import type { Wire } from "../../channel.ts";
import type { EmbeddedEngine } from "../../engine.ts";

export async function connect(
  { engine, streamer }: { readonly engine: EmbeddedEngine; readonly streamer: Streamer },
  wire: Wire,
  identity: Identity,
  greets: boolean,
): Promise<string> {
  const connection = { connectionId: randomUUID(), ...identity, connectedAt: engine.clock.now() };
  engine.channel.attach(connection.connectionId, wire);
  await (greets ? streamer.connect(connection) : engine.connections.open(connection));
  return connection.connectionId;
}
