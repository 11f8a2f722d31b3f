/**
 * One dial: from opening a socket to its end, told once, whatever ended it. It is open when the server's `welcome` is
 * in, not when the socket is. A silent link is asked with `ping`, and given up when it does not answer: a half-open
 * socket never closes by itself. It knows nothing of requests and never dials twice.
 */
import { BEARER_SUBPROTOCOL_PREFIX, createPartJoiner, SUBPROTOCOL, type ServerMessage, type WireError } from "@streamer/protocol";
import { StreamerError, fromWire } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

export interface ConnectionEvents {
  onWelcome(welcome: ServerMessage<"welcome">): void;
  onMessage(message: ServerMessage): void;
  /** Some frame was lost on its way to the server. */
  onStumble(): void;
  /** What the server said last, when that was why it ends; else CANNOT_CONNECT. */
  onEnd(error: StreamerError): void;
}

export interface Connection {
  send(text: string): void;
  /** Asks a link that is open whether it still carries anything, without waiting for a silence. */
  check(): void;
  /** Ends it from this side; `onEnd` is not called. Resolves when the socket is closed or `waitMs` have passed. */
  close(waitMs: number): Promise<void>;
}

/** To a page, a server that refuses its origin looks like no server at all. */
function originHint(): string {
  const page = globalThis.location as Location | undefined;
  return page ? ` Is a server there that allows the origin ${page.origin}?` : "";
}

const PING = JSON.stringify({ type: "ping" });

type DialOptions = Pick<ResolvedOptions, "WebSocket" | "clock" | "connectTimeoutMs" | "pongTimeoutMs">;

export function dial(url: string, token: string, options: DialOptions, events: ConnectionEvents): Connection {
  const { clock, pongTimeoutMs } = options;
  // Browsers cannot set headers: the token travels as a subprotocol the server does not select.
  const socket = new options.WebSocket(url, [SUBPROTOCOL, BEARER_SUBPROTOCOL_PREFIX + token]);
  let heartbeatMs: number | undefined;
  let heardAt = clock.monotonic();
  /** The last thing the server said, when that was an error about no frame: why it is about to close. */
  let lastError: WireError | undefined;
  const parts = createPartJoiner();
  let ended = false;
  let stopTimer = clock.after(options.connectTimeoutMs, () => end(`${url} did not answer within ${options.connectTimeoutMs} ms.`));

  function end(message: string): void {
    if (ended) return;
    abandon();
    events.onEnd(lastError ? fromWire(lastError) : new StreamerError("CANNOT_CONNECT", message));
  }

  /** From here on nothing this socket does is heard. */
  function abandon(): void {
    ended = true;
    stopTimer();
    socket.close();
  }

  function watch(inMs: number, check: () => void): void {
    stopTimer();
    stopTimer = clock.after(inMs, check);
  }

  function listenForSilence(): void {
    const silentMs = clock.monotonic() - heardAt;
    if (silentMs < heartbeatMs!) watch(heartbeatMs! - silentMs, listenForSilence);
    else ask();
  }

  function ask(): void {
    const askedAt = clock.monotonic();
    socket.send(PING);
    watch(pongTimeoutMs, () => {
      if (heardAt >= askedAt) listenForSilence();
      else end(`${url} was silent for ${Math.round(clock.monotonic() - heardAt)} ms: connecting again.`);
    });
  }

  // The server's word is taken: checking its frames field by field would make the client half as large again, and make
  // it deaf to codes and fields that a newer server knows.
  function receive(message: ServerMessage): void {
    // No word of the server's: a gateway's own, which failed on some frame, or had too many, and does not say which.
    if (message.type === undefined && "connectionId" in message) return events.onStumble();
    if (message.type === "part") {
      const whole = parts.join(message);
      if (whole !== undefined) receive(JSON.parse(whole) as ServerMessage);
      return;
    }
    if (message.type !== "error") lastError = undefined;
    else if ((message.request_id ?? message.ref) === undefined) lastError = message.error;
    if (message.type === "welcome") {
      heartbeatMs = message.heartbeat_ms;
      watch(heartbeatMs, listenForSilence);
      events.onWelcome(message);
      return;
    }
    events.onMessage(message);
  }

  // An API gateway cannot speak first: the ping gives such a server a message to answer with its welcome.
  socket.addEventListener("open", () => !ended && socket.send(PING));
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (ended || typeof data !== "string") return;
    heardAt = clock.monotonic();
    try {
      receive(JSON.parse(data) as ServerMessage);
    } catch {
      // What cannot be read, or lacks what its type promises, changes nothing: a newer server may say more.
    }
  });
  socket.addEventListener("close", ({ code, reason }) => {
    const said = [reason, code === 1006 ? "" : `code ${code}`].filter((part) => part !== "").join(", ");
    const what = heartbeatMs === undefined ? `${url} could not be reached` : `The connection to ${url} was lost`;
    end(`${what}${said === "" ? "" : ` (${said})`}.${heartbeatMs === undefined && said === "" ? originHint() : ""}`);
  });

  return {
    send(text) {
      if (!ended) socket.send(text);
    },
    check() {
      if (!ended && heartbeatMs !== undefined) ask();
    },
    async close(waitMs) {
      const isOpen = socket.readyState === socket.OPEN;
      if (!ended) abandon();
      if (!isOpen) return;
      await new Promise<void>((resolve) => {
        const stopWaiting = clock.after(waitMs, resolve);
        socket.addEventListener("close", () => {
          stopWaiting();
          resolve();
        });
      });
    },
  };
}
