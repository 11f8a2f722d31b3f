/**
 * A WebSocket client for load: no object per message, and what one turn sends leaves as one write. It masks with zeros,
 * which costs the server what any mask costs and the client nothing.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

export interface ConnectionParts {
  readonly port: number;
  readonly path: string;
  /** Ports of one address do not suffice for ten thousand connections and those that just closed. */
  readonly localAddress: string;
  /** Text of ASCII. */
  readonly onMessage: (text: string, connection: Connection) => void;
  readonly onClose: (connection: Connection) => void;
}

/** At the WebSocket layer, without the handshake. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

const READ_BYTES = 65_536;
const shared = Buffer.allocUnsafe(READ_BYTES);
const NOTHING = Buffer.alloc(0);
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const FINAL = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;

export class Connection {
  /** Resolves when the wire says that requests may go (`ready`); rejects when it closes before. */
  readonly opened: Promise<void>;
  readonly ready: () => void;
  readonly #refuse: (error: Error) => void;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  #isUpgraded = false;
  #isCorked = false;
  #rest: Buffer = NOTHING;
  #messages = 0;
  #bytes = 0;

  constructor(parts: ConnectionParts, onUpgrade: (connection: Connection) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.ready = resolve;
    this.#refuse = reject;
    this.#parts = parts;
    const { port, path, localAddress } = parts;
    this.#socket = connect({
      host: "127.0.0.1",
      port,
      localAddress,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length: number) => {
          this.#read(shared.subarray(0, length), onUpgrade);
          return true;
        },
      },
    });
    this.#socket.once("connect", () => {
      this.#socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
    this.#socket.on("error", reject);
    this.#socket.on("close", () => {
      reject(new Error("closed"));
      parts.onClose(this);
    });
  }

  /** Both ways, so far. */
  get traffic(): Traffic {
    return { messages: this.#messages, bytes: this.#bytes };
  }

  send(text: string): void {
    this.#messages += 1;
    this.#write(TEXT, Buffer.from(text));
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(opcode: number, body: Buffer): void {
    const long = body.length < 126 ? 0 : body.length < 65_536 ? 2 : 8;
    const head = 2 + long + MASK_BYTES;
    const frame = Buffer.allocUnsafe(head + body.length);
    frame[0] = FINAL | opcode;
    frame[1] = MASKED | (long === 0 ? body.length : long === 2 ? 126 : 127);
    if (long === 2) frame.writeUInt16BE(body.length, 2);
    if (long === 8) frame.writeBigUInt64BE(BigInt(body.length), 2);
    frame.writeUInt32BE(0, head - MASK_BYTES);
    body.copy(frame, head);
    this.#bytes += frame.length;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  #read(chunk: Buffer, onUpgrade: (connection: Connection) => void): void {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    if (!this.#isUpgraded) {
      const end = data.indexOf("\r\n\r\n");
      if (end === -1) {
        this.#rest = Buffer.from(data);
        return;
      }
      const status = data.toString("latin1", 9, 12);
      if (status !== "101") {
        this.#refuse(new Error(`The server refused the upgrade with ${status}.`));
        return;
      }
      this.#isUpgraded = true;
      at = end + 4;
      onUpgrade(this);
    }
    this.#rest = NOTHING;
    const left = this.#frames(data, at);
    this.#rest = left === data.length ? NOTHING : Buffer.from(data.subarray(left));
  }

  /** Returns where the first frame begins that is not all there. */
  #frames(data: Buffer, from: number): number {
    let at = from;
    while (data.length - at >= 2) {
      const short = data[at + 1]! & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (data.length - at < head) break;
      const length = head === 2 ? short : head === 4 ? data.readUInt16BE(at + 2) : data.readUIntBE(at + 4, 6);
      if (data.length - at < head + length) break;
      const opcode = data[at]! & 0x0f;
      const start = at + head;
      at = start + length;
      this.#bytes += head + length;
      if (opcode === TEXT) {
        this.#messages += 1;
        this.#parts.onMessage(data.toString("latin1", start, at), this);
      } else if (opcode === PING) this.#write(PONG, Buffer.from(data.subarray(start, at)));
      else if (opcode === CLOSE) this.#socket.destroy();
    }
    return at;
  }
}
