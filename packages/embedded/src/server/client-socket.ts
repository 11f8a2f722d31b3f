/**
 * An open socket of a client that was let in: the wire of its connection, and what is counted of it. There may be ten
 * thousand, and each lives for hours: it keeps nothing of the upgrade request but what is asked for later, since a head
 * and headers are larger than all that is here.
 */
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Credential } from "@streamer/auth";
import type { WireError } from "@streamer/protocol";
import type { Wire } from "../channel.ts";
import { FrameMeter } from "./frame-meter.ts";
import type { FrameCount } from "./frame-rates.ts";
import { arrivalOf, type Arrival, type Said } from "./own-address.ts";
import type { Watched } from "./unfinished.ts";

export interface OpenedSocket {
  readonly socket: WebSocket;
  /** What it was before it was upgraded: its bytes. */
  readonly raw: Socket;
  /** What the upgrade request said of how it came. */
  readonly said: Said;
  /** Whose it is, by the name that tells the users of all tenants apart. */
  readonly user: string;
}

interface ClientSocketParts {
  readonly credential: Credential;
  readonly frames: FrameCount;
  readonly frameOf: (text: string) => Buffer;
  /** Tells it why, and ends it. */
  readonly cutOff: (client: ClientSocket, error: WireError) => void;
}

export class ClientSocket implements Wire, Watched {
  readonly connectionId: string = randomUUID();
  readonly socket: WebSocket;
  readonly raw: Socket;
  readonly user: string;
  readonly credential: Credential;
  readonly frames: FrameCount;
  readonly meter = new FrameMeter();
  /** Whether it was heard of since it was last pinged. */
  isHeard = true;
  readonly #said: Said;
  readonly #frameOf: ClientSocketParts["frameOf"];
  readonly #cutOff: ClientSocketParts["cutOff"];

  constructor({ socket, raw, said, user }: OpenedSocket, { credential, frames, frameOf, cutOff }: ClientSocketParts) {
    this.socket = socket;
    this.raw = raw;
    this.user = user;
    this.credential = credential;
    this.frames = frames;
    this.#said = said;
    this.#frameOf = frameOf;
    this.#cutOff = cutOff;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  get arrival(): Arrival {
    return arrivalOf(this.#said, this.raw);
  }

  get bufferedBytes(): number {
    return this.raw.writableLength;
  }

  /** Past `ws`, which would frame it anew. It compresses nothing and sends nothing later, so the order is the same. */
  send(text: string): void {
    if (this.isOpen) this.raw.write(this.#frameOf(text));
  }

  cork(): void {
    this.raw.cork();
  }

  uncork(): void {
    this.raw.uncork();
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  end(error: WireError): void {
    this.#cutOff(this, error);
  }
}
