/** A socket has opened with a verified token: it becomes a connection. The answer is `welcome`. */
import type { Awaitable, Connection, Streamer } from "@streamer/core";
import type { Wire } from "../../channel.ts";
import type { EmbeddedEngine } from "../../engine.ts";

export function connect(
  { engine, streamer }: { readonly engine: EmbeddedEngine; readonly streamer: Streamer },
  wire: Wire,
  connection: Connection,
  greets: boolean,
): Awaitable<void> {
  engine.channel.attach(connection.connectionId, wire);
  return greets ? streamer.connect(connection) : engine.connections.open(connection);
}
