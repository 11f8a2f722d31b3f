/** Ends connections whose token is worth nothing any more, with the reason as their last frame. */
import { printMessage, wireError, type WireError } from "@streamer/protocol";
import type { Runtime } from "./runtime.ts";

type Parts = Pick<Runtime, "engine" | "streamer">;

const EXPIRED = wireError("UNAUTHORIZED", "The token has expired. Get a new one, connect again and resume.");

/** Ends one whose token has run out; another stays. */
export async function expire({ engine, streamer }: Parts, connectionId: string): Promise<void> {
  const { connections, clock } = engine;
  const caller = await connections.caller(connectionId);
  if (!caller || caller.connection.expiresAt === undefined || caller.connection.expiresAt > clock.now()) return;
  await endConnection({ engine, streamer }, connectionId, EXPIRED);
}

export async function endConnection({ engine, streamer }: Parts, connectionId: string, error: WireError): Promise<void> {
  const { channel, clock } = engine;
  await channel.send(connectionId, { text: printMessage({ type: "error", timestamp: Math.round(clock.now()), error }) });
  await channel.close(connectionId, 1008, error.code);
  await streamer.disconnect(connectionId);
}
