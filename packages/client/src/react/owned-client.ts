/**
 * A client for a component that renders a connection but must not make one while rendering: it connects when it is
 * first asked for anything, and closes a while after nobody holds it. Held again before that, as React's StrictMode
 * does, it never notices; held again later, it connects anew.
 */
import { connect, type Client } from "../client.ts";
import type { ConnectOptions } from "../options.ts";
import type { ConnectionState } from "../session.ts";

export interface OwnedClient {
  readonly client: Client;
  /** Connects. Returns a function that releases the client. */
  hold(): () => void;
}

export const CONNECTING: ConnectionState = { status: "connecting" };

const CLOSE_AFTER_MS = 1_000;

/** `read` gives the options as they are now: which token function is right may change with every render. */
export function createOwnedClient(url: string, read: () => ConnectOptions): OwnedClient {
  let current: Client | undefined;
  let isHeld = false;
  let closing: ReturnType<typeof setTimeout> | undefined;

  function closeSoon(): void {
    clearTimeout(closing);
    closing = setTimeout(() => void client.close(), CLOSE_AFTER_MS);
  }

  function currentToken(): string | Promise<string> {
    const { token } = read();
    return typeof token === "string" ? token : token();
  }

  function reach(): Client {
    if (!current) {
      const options = read();
      current = connect(url, typeof options.token === "string" ? options : { ...options, token: currentToken });
      if (!isHeld) closeSoon();
    }
    return current;
  }

  const client: Client = {
    get state() {
      return current?.state ?? CONNECTING;
    },
    onState: (listener) => reach().onState(listener),
    request: (action, ...input) => reach().request(action, ...input),
    attach: (request, attachOptions) => reach().attach(request, attachOptions),
    retry: (requestId, reason) => reach().retry(requestId, reason),
    get: (requestId) => reach().get(requestId),
    list: (query) => reach().list(query),
    actions: () => reach().actions(),
    async close() {
      clearTimeout(closing);
      const last = current;
      current = undefined;
      await last?.close();
    },
    [Symbol.asyncDispose]: () => client.close(),
  };

  return {
    client,
    hold() {
      isHeld = true;
      clearTimeout(closing);
      reach();
      return () => {
        isHeld = false;
        closeSoon();
      };
    },
  };
}
