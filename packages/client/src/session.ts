/**
 * The connection that is always meant to be there: dials, watches it end, waits, dials again, with a fresh token each
 * time. One loop decides; nothing else opens or replaces a connection.
 */
import type { ServerMessage } from "@streamer/protocol";
import { dial, type Connection } from "./connection.ts";
import { StreamerError } from "./errors.ts";
import { createListeners } from "./listeners.ts";
import type { ResolvedOptions } from "./options.ts";
import { afterEnd } from "./reconnect.ts";

export type ConnectionState =
  | { readonly status: "connecting" }
  | { readonly status: "open"; readonly connectionId: string; readonly serverVersion: string }
  /** After `failures` failed attempts in a row; the next attempt starts in `retryInMs`. */
  | { readonly status: "waiting"; readonly failures: number; readonly retryInMs: number; readonly error: StreamerError }
  /** Closed for good: by `close()`, or with `error` when the client gave up. */
  | { readonly status: "closed"; readonly error?: StreamerError };

export interface SessionEvents {
  onUp(welcome: ServerMessage<"welcome">): void;
  onMessage(message: ServerMessage): void;
  onStumble(): void;
  onDown(): void;
  onGiveUp(error: StreamerError): void;
}

export interface Session {
  readonly state: ConnectionState;
  readonly onState: (listener: (state: ConnectionState) => void) => () => void;
  start(): void;
  /** Only while open. */
  send(text: string): void;
  close(): Promise<void>;
}

/** How long `close` waits for the server's side of it. */
const CLOSE_WAIT_MS = 1_000;

export function createSession(url: string, options: ResolvedOptions, events: SessionEvents): Session {
  const listeners = createListeners<ConnectionState>();
  let state: ConnectionState = { status: "connecting" };
  let connection: Connection | undefined;
  let failures = 0;
  let stopWaiting: (() => void) | undefined;
  let stopWatching: (() => void) | undefined;

  function become(next: ConnectionState): void {
    state = next;
    listeners.tell(next);
  }

  /** A way out for awaits: the user may close while one is on. */
  const isClosed = (): boolean => state.status === "closed";

  async function open(): Promise<void> {
    if (failures > 0 || state.status !== "connecting") become({ status: "connecting" });
    try {
      const token = typeof options.token === "string" ? options.token : await options.token();
      if (isClosed()) return;
      // Whatever the types say: a session may have none yet.
      if (!token) return ended(refusedToDial(token, false));
      connection = dial(url, token, options, {
        ...events,
        onWelcome(welcome) {
          failures = 0;
          become({ status: "open", connectionId: welcome.connection_id, serverVersion: welcome.server_version });
          events.onUp(welcome);
        },
        onEnd: ended,
      });
    } catch (cause) {
      ended(refusedToDial(cause, typeof options.token === "string"));
    }
  }

  function ended(error: StreamerError): void {
    connection = undefined;
    if (isClosed()) return;
    if (state.status === "open") events.onDown();
    else failures += 1;
    const verdict = afterEnd(error, failures, options);
    if (typeof verdict === "number") {
      become({ status: "waiting", failures, retryInMs: verdict, error });
      stopWaiting = options.clock.after(verdict, () => void open());
    } else {
      stopWatching?.();
      become({ status: "closed", error: verdict });
      events.onGiveUp(verdict);
    }
  }

  /** The way to the server may have changed: no use in waiting on, nor in trusting a link that looks open. */
  function look(): void {
    if (state.status === "open") connection?.check();
    else if (state.status === "waiting" && !options.presence.isOffline) {
      stopWaiting?.();
      void open();
    }
  }

  return {
    get state() {
      return state;
    },
    onState: listeners.add,
    start() {
      stopWatching = options.presence.watch(look);
      void open();
    },
    send(text) {
      connection?.send(text);
    },
    async close() {
      if (isClosed()) return;
      stopWaiting?.();
      stopWatching?.();
      become({ status: "closed" });
      await connection?.close(CLOSE_WAIT_MS);
    },
  };
}

function refusedToDial(cause: unknown, isStatic: boolean): StreamerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const what = isStatic ? "WebSocket (is the token a JWT?)" : "token could be had";
  return new StreamerError("CANNOT_CONNECT", `No ${what}: ${why}`, { cause });
}
