/**
 * A client's end of a WebSocket without a kernel between: what it says arrives at once, and of what it hears it counts the
 * frames. Servers see a stream that was upgraded.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { SUBPROTOCOL } from "@streamer/protocol";

export interface Pipe {
  /** The server's end, and the request that asked for it. */
  readonly stream: Duplex;
  readonly request: IncomingMessage;
  say(frames: Buffer): void;
  /** Resolves once so many frames in all have been heard. */
  hears(count: number): Promise<void>;
}

export function createPipe(path: string): Pipe {
  let isUpgraded = false;
  /** Bytes of the frame that is under way. */
  let left = 0;
  let heard = 0;
  let awaited = Infinity;
  let arrived = (): void => {};

  function hear(chunk: Buffer): void {
    // The answer to the upgrade is written by itself.
    if (!isUpgraded) {
      isUpgraded = true;
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(left, chunk.length - at);
      left -= taken;
      at += taken;
      if (at === chunk.length) break;
      // `ws` writes the head of a frame as a whole.
      const short = chunk[at + 1]! & 0x7f;
      left = short < 126 ? short : chunk.readUInt16BE(at + 2);
      at += short < 126 ? 2 : 4;
      heard += 1;
    }
    if (heard >= awaited) arrived();
  }

  const stream = new Duplex({
    read: () => {},
    write(chunk: Buffer, _, done) {
      hear(chunk);
      done();
    },
    writev(chunks, done) {
      for (const { chunk } of chunks) hear(chunk as Buffer);
      done();
    },
  });
  return {
    stream,
    request: {
      method: "GET",
      url: path,
      socket: stream,
      headers: {
        host: "pipe.test",
        upgrade: "websocket",
        connection: "Upgrade",
        "sec-websocket-key": randomBytes(16).toString("base64"),
        "sec-websocket-version": "13",
        "sec-websocket-protocol": SUBPROTOCOL,
      },
    } as unknown as IncomingMessage,
    say: (frames) => stream.push(frames),
    hears(count) {
      if (heard >= count) return Promise.resolve();
      return new Promise((resolve) => {
        awaited = count;
        arrived = () => {
          awaited = Infinity;
          resolve();
        };
      });
    },
  };
}

const MASKED = 0x80;
const FINAL_TEXT = 0x81;

/** A text of up to 65,535 bytes as a client sends it, masked with zeros. */
export function frameOf(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(body.length < 126 ? 6 : 8);
  head[0] = FINAL_TEXT;
  head[1] = MASKED | (body.length < 126 ? body.length : 126);
  if (body.length >= 126) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}
