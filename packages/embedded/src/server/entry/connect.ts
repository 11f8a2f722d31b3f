/** A socket has opened with a verified token: it becomes a connection. The answer is `welcome`. */
import type { Connection, Streamer } from "@streamer/core";
import type { Wire } from "../../channel.ts";
import type { EmbeddedEngine } from "../../engine.ts";

export async function connect(
  { engine, streamer }: { readonly engine: EmbeddedEngine; readonly streamer: Streamer },
  wire: Wire,
  connection: Connection,
  greets: boolean,
): Promise<void> {
  engine.channel.attach(connection.connectionId, wire);
  await (greets ? streamer.connect(connection) : engine.connections.open(connection));
}
