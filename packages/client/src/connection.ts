/**
 * One dial: from opening a socket to its end, told once, whatever ended it. It is open when the server's `welcome` is
 * in, not when the socket is. A silent link is asked with `ping`, and given up when it does not answer: a half-open
 * socket never closes by itself. It knows nothing of requests and never dials twice.
 */
import { BEARER_SUBPROTOCOL_PREFIX, createPartJoiner, SUBPROTOCOL, type ServerMessage } from "@streamer/protocol";
import { StreamerError, fromWire } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

export interface ConnectionEnd {
  /** The server refused the token, or it ran out. */
  readonly unauthorized: boolean;
  readonly error: StreamerError;
}

export interface ConnectionEvents {
  onWelcome(welcome: ServerMessage<"welcome">): void;
  onMessage(message: ServerMessage): void;
  /** Some frame was lost on its way to the server. */
  onStumble(): void;
  onEnd(end: ConnectionEnd): void;
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
  return page ? ` Is a server running there, and does it allow the origin ${page.origin}?` : "";
}

const PING = JSON.stringify({ type: "ping" });

type DialOptions = Pick<ResolvedOptions, "WebSocket" | "clock" | "connectTimeoutMs" | "pongTimeoutMs">;

export function dial(url: string, token: string, options: DialOptions, events: ConnectionEvents): Connection {
  const { clock, pongTimeoutMs } = options;
  // Browsers cannot set headers: the token travels as a subprotocol the server does not select.
  const socket = new options.WebSocket(url, [SUBPROTOCOL, BEARER_SUBPROTOCOL_PREFIX + token]);
  let heartbeatMs: number | undefined;
  let heardAt = clock.now();
  let lastError: ServerMessage<"error"> | undefined;
  const parts = createPartJoiner();
  let ended = false;
  let stopTimer = clock.after(options.connectTimeoutMs, () => end(`${url} did not answer within ${options.connectTimeoutMs} ms.`));

  function end(message: string, unauthorized = false, cause?: unknown): void {
    if (ended) return;
    abandon();
    const error = unauthorized
      ? lastError
        ? fromWire(lastError.error)
        : new StreamerError("UNAUTHORIZED", message)
      : new StreamerError("CANNOT_CONNECT", message, { cause: cause ?? lastError?.error });
    events.onEnd({ unauthorized, error });
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
    const silentMs = clock.now() - heardAt;
    if (silentMs < heartbeatMs!) watch(heartbeatMs! - silentMs, listenForSilence);
    else ask();
  }

  function ask(): void {
    const askedAt = clock.now();
    socket.send(PING);
    watch(pongTimeoutMs, () => {
      if (heardAt >= askedAt) listenForSilence();
      else end(`${url} was silent for ${Math.round(clock.now() - heardAt)} ms; the connection is given up.`);
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
    if (message.type === "welcome") {
      heartbeatMs = message.heartbeat_ms;
      watch(heartbeatMs, listenForSilence);
      events.onWelcome(message);
      return;
    }
    if (message.type === "error" && message.request_id === undefined && message.ref === undefined) lastError = message;
    events.onMessage(message);
  }

  // An API gateway cannot speak first: the ping gives such a server a message to answer with its welcome.
  socket.addEventListener("open", () => !ended && socket.send(PING));
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (ended || typeof data !== "string") return;
    heardAt = clock.now();
    try {
      receive(JSON.parse(data) as ServerMessage);
    } catch {
      // What cannot be read, or lacks what its type promises, changes nothing: a newer server may say more.
    }
  });
  socket.addEventListener("close", ({ code, reason }) => {
    const unauthorized = lastError?.error.code === "UNAUTHORIZED" || reason.startsWith("UNAUTHORIZED");
    const said = [lastError?.error.message ?? reason, code === 1006 ? "" : `code ${code}`].filter((part) => part !== "").join(", ");
    const what = heartbeatMs === undefined ? `${url} could not be reached` : `The connection to ${url} was lost`;
    end(`${what}${said === "" ? "" : ` (${said})`}.${heartbeatMs === undefined && said === "" ? originHint() : ""}`, unauthorized);
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
