/** Ends a connection whose token has run out, with the reason as its last frame. */
import { printMessage, wireError } from "@streamer/protocol";
import type { Runtime } from "./runtime.ts";

export async function expire({ engine, streamer }: Pick<Runtime, "engine" | "streamer">, connectionId: string): Promise<void> {
  const { connections, channel, clock } = engine;
  const caller = await connections.caller(connectionId);
  const now = clock.now();
  if (!caller || caller.connection.expiresAt === undefined || caller.connection.expiresAt > now) return;
  const error = wireError("UNAUTHORIZED", "The token has expired. Get a new one, connect again and resume.");
  await channel.send(connectionId, { text: printMessage({ type: "error", timestamp: Math.round(now), error }) });
  await channel.close(connectionId, 1008, "token expired");
  await streamer.disconnect(connectionId);
}
