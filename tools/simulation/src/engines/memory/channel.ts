/** The way out to sockets of one process: what waits for a slow client coalesces, and is bounded (P11). */
import type { Channel, Outgoing } from "@streamer/core";
import type { BootedEngine, ServerSocket, World } from "../../engine.ts";

type Wire = Pick<ServerSocket, "bufferedBytes" | "send" | "close">;

interface Line {
  readonly wire: Wire;
  held: Outgoing[];
  waiting: (() => void)[];
}

export interface SocketChannel extends Channel, Pick<BootedEngine, "drained" | "detach"> {
  attach(connectionId: string, wire: Wire): void;
}

export function createChannel({ softBufferBytes, hardBufferBytes }: World["channel"]): SocketChannel {
  const lines = new Map<string, Line>();
  const isFree = ({ held, wire }: Line): boolean => held.length === 0 && wire.bufferedBytes < softBufferBytes;
  const lengthOf = (held: readonly Outgoing[]): number => held.reduce((sum, { text }) => sum + text.length, 0);

  const letGo = (line: Line): void => {
    for (const go of line.waiting.splice(0)) go();
  };
  const flush = (line: Line, upToBytes: number): void => {
    while (line.held.length > 0 && line.wire.bufferedBytes < upToBytes) line.wire.send(line.held.shift()!.text);
  };
  const remove = (connectionId: string): Line | undefined => {
    const line = lines.get(connectionId);
    lines.delete(connectionId);
    if (line) letGo(line);
    return line;
  };

  return {
    attach: (connectionId, wire) => void lines.set(connectionId, { wire, held: [], waiting: [] }),
    detach: (connectionId) => void remove(connectionId),
    drained: (connectionId) => {
      const line = lines.get(connectionId);
      if (!line) return;
      flush(line, softBufferBytes);
      if (line.held.length === 0) letGo(line);
    },
    ready: (connectionId) => {
      const line = lines.get(connectionId);
      return !line || isFree(line) ? Promise.resolve() : new Promise((resolve) => void line.waiting.push(resolve));
    },
    send: async (connectionId, frame) => {
      const line = lines.get(connectionId);
      if (!line) return "gone";
      if (isFree(line)) {
        line.wire.send(frame.text);
        return "sent";
      }
      const { coalesceKey } = frame;
      line.held = [...line.held.filter((one) => coalesceKey === undefined || one.coalesceKey !== coalesceKey), frame];
      if (line.wire.bufferedBytes + lengthOf(line.held) <= hardBufferBytes) return "sent";
      remove(connectionId);
      line.wire.close(1013, "too slow; connect again and resume");
      return "closed";
    },
    close: async (connectionId, code, reason) => {
      const line = remove(connectionId);
      if (!line) return;
      flush(line, Infinity);
      line.wire.close(code, reason);
    },
  };
}
