/** A socket has opened with a verified token: it becomes a connection. The answer is `welcome`. */
import { randomUUID } from "node:crypto";
import type { Streamer } from "@streamer/core";
import type { Identity } from "@streamer/auth";
import type { Wire } from "../channel.ts";
import type { EmbeddedEngine } from "../engine.ts";

export async function connect(
  { engine, streamer }: { readonly engine: EmbeddedEngine; readonly streamer: Streamer },
  wire: Wire,
  identity: Identity,
): Promise<string> {
  const connectionId = randomUUID();
  engine.channel.attach(connectionId, wire);
  await streamer.connect({ connectionId, ...identity, connectedAt: engine.clock.now() });
  return connectionId;
}
