/** A socket has closed, for whatever reason: nothing is sent to it any more, and what it followed is forgotten. */
import type { Streamer } from "@streamer/core";
import type { EmbeddedEngine } from "../../engine.ts";

export async function disconnect(
  { engine, streamer }: { readonly engine: EmbeddedEngine; readonly streamer: Streamer },
  connectionId: string,
): Promise<void> {
  engine.channel.detach(connectionId);
  await streamer.disconnect(connectionId);
}
