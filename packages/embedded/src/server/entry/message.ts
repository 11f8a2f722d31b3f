/** One frame from a socket. Text goes to the flow; a binary frame is no message of this protocol (P12). */
import { ERROR_CODES, printMessage, wireError } from "@streamer/protocol";
import type { Streamer } from "@streamer/core";
import type { EmbeddedEngine } from "../../engine.ts";

/** Binary frames on one connection after which it is closed. */
const MAX_BINARY_FRAMES = 100;

export interface Sender {
  readonly connectionId: string;
  binaryFrames: number;
}

export async function message(
  { engine, streamer }: { readonly engine: EmbeddedEngine; readonly streamer: Streamer },
  sender: Sender,
  frame: { readonly text: string } | "binary",
): Promise<void> {
  const { connectionId } = sender;
  if (frame !== "binary") return streamer.receive(connectionId, frame.text);
  const error = wireError("INVALID_MESSAGE", "Binary frames are not part of this protocol; send JSON as text.");
  await engine.channel.send(connectionId, { text: printMessage({ type: "error", timestamp: engine.clock.now(), error }) });
  sender.binaryFrames += 1;
  if (sender.binaryFrames >= MAX_BINARY_FRAMES) {
    await engine.channel.close(connectionId, ERROR_CODES.INVALID_MESSAGE.closeCode, "too many binary frames");
  }
}
