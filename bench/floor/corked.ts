/** What one turn of the event loop sends to a socket leaves as one write. */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

export function sendCorked(socket: WebSocket & { readonly ["_socket"]?: Socket }, text: string): void {
  const wire = socket["_socket"];
  if (wire && !wire.writableCorked) {
    wire.cork();
    process.nextTick(() => wire.uncork());
  }
  socket.send(text);
}
