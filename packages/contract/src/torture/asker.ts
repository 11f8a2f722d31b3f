/**
 * A bare client that keeps everything. Cut off, it connects again; what was never answered it sends again, all else it
 * takes up after the last seq it has, or asks for from the first (docs/protocol.md §6.3, §6.4). It passes over nothing it
 * hears, so that a repeat would show on its tape.
 */
import { createPartJoiner, parseServerMessage, SUBPROTOCOL, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { WebSocket } from "ws";
import { isEnd, isEvent, type Entry, type Tape } from "./tape.ts";

export type RequestFrame = ClientMessage<"request"> & { readonly id: string };

export interface Ending {
  readonly how: "completed" | "failed" | "answered" | "refused";
  readonly message: ServerMessage;
  /** From when it was first asked for. */
  readonly ms: number;
}

export interface AskerOptions {
  readonly url: string;
  readonly token: string;
  /** Numbers in [0, 1): the waits between two attempts, and how it takes up again. Default Math.random. */
  readonly random?: () => number;
  /** The wait before an attempt is random, up to `baseMs` doubled for each failure, at most `capMs`. Defaults 50 and 5,000. */
  readonly baseMs?: number;
  readonly capMs?: number;
  /** How often it asks again for what it could resume. Default 0.25. */
  readonly asksAgain?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Asker {
  readonly tape: Tape;
  /** Sends a request, and resolves at its end, however often it is cut off meanwhile. */
  request(frame: RequestFrame): Promise<Ending>;
  /** Sends anything, once, if there is a connection. */
  send(message: ClientMessage): void;
  /** Sends a frame with a `ref`, once, and resolves with its answer. Cut off meanwhile, it never does. */
  ask(message: ClientMessage & { readonly ref: string }): Promise<ServerMessage>;
  /** Resolves when a connection has been welcomed. */
  readonly ready: Promise<void>;
  /** Ends its own connection in the middle of whatever is going on. It comes back. */
  cut(): void;
  /** Stops reading its socket: what the server sends stays in the way. */
  stopReading(): void;
  /** How often it has been connected. */
  readonly connections: number;
  close(): void;
}

interface Wish {
  readonly frame: RequestFrame;
  readonly askedAt: number;
  readonly resolve: (ending: Ending) => void;
  /** The request's own id: another than the frame's under an idempotency key. */
  id: string;
  seq: number;
}

const HANDSHAKE_MS = 10_000;

export function createAsker(options: AskerOptions): Asker {
  const { url, token, random = Math.random, baseMs = 50, capMs = 5_000, asksAgain = 0.25, headers = {} } = options;
  const tape: Entry[] = [];
  const wishes = new Map<string, Wish>();
  const questions = new Map<string, (answer: ServerMessage) => void>();
  const ready = Promise.withResolvers<void>();
  let socket: WebSocket | undefined;
  let connection = 0;
  let failures = 0;
  let refs = 0;
  let epoch: string | undefined;
  let isClosed = false;
  let isUp = false;
  let timer: NodeJS.Timeout | undefined;

  function send(message: ClientMessage): void {
    if (!isUp || socket?.readyState !== WebSocket.OPEN) return;
    tape.push({ what: "sent", connection, message });
    socket.send(JSON.stringify(message));
  }

  function takeUp(wish: Wish): void {
    if (wish.seq === 0 || random() < asksAgain) send(wish.frame);
    else send({ type: "subscribe", request_id: wish.id, after: wish.seq, ref: `resume-${(refs += 1)}-${wish.frame.id}`.slice(0, 128) });
  }

  const wishOf = (id: string): Wish | undefined => wishes.get(id) ?? Array.from(wishes.values()).find((wish) => wish.id === id);

  function end(wish: Wish, how: Ending["how"], message: ServerMessage): void {
    wishes.delete(wish.frame.id);
    wish.resolve({ how, message, ms: performance.now() - wish.askedAt });
  }

  function refused(message: ServerMessage<"error">): void {
    const wish = message.request_id === undefined ? undefined : wishOf(message.request_id);
    if (!wish) return;
    const { code, retry } = message.error;
    // It could not be taken up, or its server is stopping: it is asked for (§6.4) once more.
    const asksOnceMore = message.ref?.startsWith("resume-") || code === "SERVICE_UNAVAILABLE";
    if (!asksOnceMore) return end(wish, "refused", message);
    setTimeout(() => wishes.has(wish.frame.id) && send(wish.frame), retry?.after_ms ?? baseMs).unref();
  }

  function hear(message: ServerMessage): void {
    if (message.type === "welcome") return welcomed(message);
    if ("ref" in message && message.ref !== undefined) questions.get(message.ref)?.(message);
    if (message.type === "snapshot" && message.ref !== undefined && wishes.has(message.ref))
      wishes.get(message.ref)!.id = message.request_id;
    if (message.type === "error" && message.seq === undefined) return refused(message);
    if (!("request_id" in message) || message.request_id === undefined) return;
    const wish = wishOf(message.request_id);
    if (!wish) return;
    if (message.type === "response") end(wish, "answered", message);
    else if (isEvent(message)) {
      wish.seq = Math.max(wish.seq, message.seq);
      if (isEnd(message)) end(wish, message.type === "complete" ? "completed" : "failed", message);
    }
  }

  function welcomed(welcome: ServerMessage<"welcome">): void {
    failures = 0;
    if (epoch !== undefined && epoch !== welcome.epoch) for (const wish of wishes.values()) wish.seq = 0;
    ({ epoch } = welcome);
    isUp = true;
    ready.resolve();
    for (const wish of Array.from(wishes.values())) takeUp(wish);
  }

  function dial(): void {
    const mine = new WebSocket(url, [SUBPROTOCOL], {
      headers: { authorization: `Bearer ${token}`, ...headers },
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
    });
    socket = mine;
    const parts = createPartJoiner();
    const read = (text: string): void => {
      const parsed = parseServerMessage(text);
      if (!parsed.ok) return void tape.push({ what: "unreadable", connection, text });
      if (parsed.message.type !== "part") {
        tape.push({ what: "heard", connection, message: parsed.message });
        return hear(parsed.message);
      }
      const whole = parts.join(parsed.message);
      if (whole !== undefined) read(whole);
    };
    mine.once("open", () => {
      connection += 1;
      tape.push({ what: "opened", connection });
      // Some servers cannot speak first (§2.3).
      mine.send('{"type":"ping"}');
    });
    mine.on("message", (data: Buffer) => read(data.toString()));
    mine.on("error", () => undefined);
    mine.once("close", () => {
      if (connection > 0 && tape.at(-1)?.what !== "closed") tape.push({ what: "closed", connection });
      isUp = false;
      failures += 1;
      if (!isClosed) timer = setTimeout(dial, random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 10)));
    });
  }
  dial();

  return {
    tape,
    ready: ready.promise,
    get connections() {
      return connection;
    },
    send,
    ask(message) {
      const { promise, resolve } = Promise.withResolvers<ServerMessage>();
      questions.set(message.ref, resolve);
      send(message);
      return promise;
    },
    request(frame) {
      const { promise, resolve } = Promise.withResolvers<Ending>();
      wishes.set(frame.id, { frame, askedAt: performance.now(), resolve, id: frame.id, seq: 0 });
      send(frame);
      return promise;
    },
    cut: () => socket?.terminate(),
    stopReading: () => socket?.pause(),
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket?.terminate();
    },
  };
}
