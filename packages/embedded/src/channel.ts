/**
 * ConnectionManager over sockets of this process. All frames of one turn of the event loop leave a socket as one write.
 *
 * Back-pressure (P11), by the bytes that wait for a client:
 *   below soft   frames go to the socket
 *   above soft   frames wait here, in order; a frame takes the place of one with its coalesceKey that still waits, but
 *                stands where it was sent: after everything sent before it, and so never behind a later durable frame
 *   above hard   the connection is closed with 1013; the client resumes after the last seq it got (P6)
 */
import type { Channel, Outgoing } from "@streamer/core";

/** What the channel needs of a socket. */
export interface Wire {
  /** Bytes handed over that have not left. */
  readonly bufferedBytes: number;
  send(text: string): void;
  /** Between the two, everything sent leaves as one write. */
  cork(): void;
  uncork(): void;
  close(code: number, reason: string): void;
}

export interface ChannelOptions {
  /** Buffered bytes above which a connection's frames wait and coalesce. Default 1 MiB; at least 128 KiB, above which sockets signal that they have drained. */
  readonly softBufferBytes: number;
  /** Buffered bytes above which a connection is closed. Default 8 MiB. */
  readonly hardBufferBytes: number;
}
export const DEFAULT_CHANNEL_OPTIONS: ChannelOptions = { softBufferBytes: 1_048_576, hardBufferBytes: 8_388_608 };

export interface SocketChannel extends Channel {
  attach(connectionId: string, wire: Wire): void;
  /** The socket has sent what it buffered. */
  drained(connectionId: string): void;
  /** The socket is gone. */
  detach(connectionId: string): void;
}

interface Line {
  readonly wire: Wire;
  isCorked: boolean;
  /** Frames that wait, in the order they will go: by coalesceKey, or by a number of their own. */
  held: Map<string | number, string> | undefined;
  heldBytes: number;
  /** Replays that wait for room. */
  waiting: (() => void)[] | undefined;
}

const READY: Promise<void> = Promise.resolve();

export function createChannel({ softBufferBytes, hardBufferBytes }: ChannelOptions = DEFAULT_CHANNEL_OPTIONS): SocketChannel {
  const lines = new Map<string, Line>();
  let corked: Line[] = [];
  let heldCount = 0;

  const uncorkAll = (): void => {
    const batch = corked;
    corked = [];
    for (const line of batch) {
      line.isCorked = false;
      line.wire.uncork();
    }
  };

  const put = (line: Line, text: string): void => {
    if (!line.isCorked) {
      // Not a microtask: those of one commit would each see their own write.
      if (corked.length === 0) process.nextTick(uncorkAll);
      corked.push(line);
      line.isCorked = true;
      line.wire.cork();
    }
    line.wire.send(text);
  };

  const hold = (line: Line, { text, coalesceKey }: Outgoing): void => {
    const held = (line.held ??= new Map<string | number, string>());
    const key = coalesceKey ?? (heldCount += 1);
    line.heldBytes += text.length - (held.get(key)?.length ?? 0);
    held.delete(key);
    held.set(key, text);
  };

  /** Lets waiting frames go until the socket is full again, or all of them. */
  const flush = (line: Line, upToBytes: number): void => {
    for (const [key, text] of line.held ?? []) {
      if (line.wire.bufferedBytes >= upToBytes) return;
      line.held!.delete(key);
      line.heldBytes -= text.length;
      put(line, text);
    }
    line.held = undefined;
  };

  const letGo = (line: Line): void => {
    const { waiting = [] } = line;
    line.waiting = undefined;
    for (const go of waiting) go();
  };

  const close = (connectionId: string, line: Line, code: number, reason: string): void => {
    lines.delete(connectionId);
    letGo(line);
    line.wire.close(code, reason);
  };

  return {
    attach: (connectionId, wire) => lines.set(connectionId, { wire, isCorked: false, held: undefined, heldBytes: 0, waiting: undefined }),
    detach: (connectionId) => {
      const line = lines.get(connectionId);
      lines.delete(connectionId);
      if (line) letGo(line);
    },
    drained: (connectionId) => {
      const line = lines.get(connectionId);
      if (!line) return;
      flush(line, softBufferBytes);
      if (!line.held) letGo(line);
    },
    ready: (connectionId) => {
      const line = lines.get(connectionId);
      if (!line || (!line.held && line.wire.bufferedBytes < softBufferBytes)) return READY;
      return new Promise((resolve) => void (line.waiting ??= []).push(resolve));
    },
    send: (connectionId, frame) => {
      const line = lines.get(connectionId);
      if (!line) return "gone";
      if (!line.held && line.wire.bufferedBytes < softBufferBytes) {
        put(line, frame.text);
        return "sent";
      }
      hold(line, frame);
      if (line.wire.bufferedBytes + line.heldBytes <= hardBufferBytes) return "sent";
      close(connectionId, line, 1013, "too slow; connect again and resume");
      return "closed";
    },
    close: async (connectionId, code, reason) => {
      const line = lines.get(connectionId);
      if (!line) return;
      flush(line, Infinity);
      close(connectionId, line, code, reason);
    },
  };
}
