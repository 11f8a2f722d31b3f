/** One frame from a socket. Text goes to the flow; a binary frame is no message of this protocol (P12). */
import type { Awaitable, Streamer } from "@streamer/core";

export function message(
  { streamer, messageBytes }: { readonly streamer: Streamer; readonly messageBytes: number },
  connectionId: string,
  data: Buffer,
  isBinary: boolean,
): Awaitable<void> {
  if (isBinary) return streamer.refuseBinary(connectionId);
  // `ws` has seen that it is UTF-8. What is too large is refused as it is.
  return streamer.receive(connectionId, data.length <= messageBytes ? data.toString() : data, data.length);
}
