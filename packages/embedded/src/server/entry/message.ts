/** One frame from a socket. Text goes to the flow; a binary frame is no message of this protocol (P12). */
import type { Streamer } from "@streamer/core";

export function message(
  { streamer }: { readonly streamer: Streamer },
  connectionId: string,
  data: Uint8Array,
  isBinary: boolean,
): Promise<void> {
  return isBinary ? streamer.refuseBinary(connectionId) : streamer.receive(connectionId, data);
}
