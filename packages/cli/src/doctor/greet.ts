/** Opens a WebSocket as a client does and answers with the server's first word. */
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL, type ServerMessage } from "@streamer/protocol";

export function greet(url: string, token: string, signal: AbortSignal): Promise<ServerMessage<"welcome"> | ServerMessage<"error">> {
  const { promise, resolve, reject } = Promise.withResolvers<ServerMessage<"welcome"> | ServerMessage<"error">>();
  const socket = new WebSocket(url, [SUBPROTOCOL, BEARER_SUBPROTOCOL_PREFIX + token]);
  // An API gateway cannot speak first.
  socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "ping" })));
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    try {
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === "welcome" || message.type === "error") resolve(message);
      else reject(new Error(`its first word was ${String(data).slice(0, 80)}`));
    } catch {
      reject(new Error("it does not speak JSON."));
    }
  });
  socket.addEventListener("close", ({ code }) => reject(new Error(`it closed the connection with code ${code}.`)));
  signal.addEventListener("abort", () => reject(new Error("it said nothing in time.")));
  return promise.finally(() => socket.close());
}
