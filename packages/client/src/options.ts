/** What users of the client may set, with every default. `resolveOptions` fills them in once, at the edge. */

import { present } from "./present.ts";
import { browserPresence, type Presence } from "./presence.ts";

/** A token, or a function that returns one; the function is called again at every reconnect. */
export type Token = string | (() => string | Promise<string>);

export interface ConnectOptions {
  readonly token: Token;
  /** The wait before a reconnect is random, up to `baseMs` doubled for each failure, at most `capMs`. Defaults: 250 ms and 15 s. */
  readonly reconnect?: {
    readonly baseMs?: number;
    readonly capMs?: number;
    /** How many attempts may fail in a row before the client gives up. Default: unlimited. */
    readonly maxAttempts?: number;
  };
  /** How long a server may take to answer a new connection. Default 10,000 ms. */
  readonly connectTimeoutMs?: number;
  /** How long a silent server may take to answer a ping before the connection is given up. Default 10,000 ms. */
  readonly pongTimeoutMs?: number;
  /** How many requests and questions may be unanswered at once, and how many characters of JSON. Defaults: 10,000 and 64 Mi. */
  readonly outbox?: { readonly messages?: number; readonly characters?: number };
  /** For tests and unusual platforms: replacements for the WebSocket, the clock, randomness and the online state. */
  readonly WebSocket?: new (url: string, protocols: string[]) => WebSocket;
  readonly clock?: ClientClock;
  readonly random?: () => number;
  readonly presence?: Presence;
}

export interface ClientClock {
  /** Milliseconds since some fixed moment. Never decreases. */
  monotonic(): number;
  /** Calls `call` once after `ms`. Returns a function that cancels the call. */
  after(ms: number, call: () => void): () => void;
}

export interface ResolvedOptions {
  readonly token: Token;
  readonly reconnect: { readonly baseMs: number; readonly capMs: number; readonly maxAttempts: number };
  readonly connectTimeoutMs: number;
  readonly pongTimeoutMs: number;
  readonly outbox: { readonly messages: number; readonly characters: number };
  readonly WebSocket: new (url: string, protocols: string[]) => WebSocket;
  readonly clock: ClientClock;
  readonly random: () => number;
  readonly presence: Presence;
}

const systemClock: ClientClock = {
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** Throws a TypeError without a token: there is nothing to connect with, now or later. */
export function resolveOptions(options: ConnectOptions): ResolvedOptions {
  if (!options.token) throw new TypeError("No token: give a string or a function that returns one.");
  return {
    connectTimeoutMs: 10_000,
    pongTimeoutMs: 10_000,
    WebSocket: globalThis.WebSocket,
    clock: systemClock,
    random: Math.random,
    presence: browserPresence,
    ...present<ConnectOptions>(options),
    reconnect: { baseMs: 250, capMs: 15_000, maxAttempts: Infinity, ...options.reconnect },
    outbox: { messages: 10_000, characters: 64 * 1_048_576, ...options.outbox },
  };
}

/** A ws: or wss: address; http: and https: are taken for them. Throws a TypeError for anything else. */
export function resolveUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^(ws|http)s?:$/.test(parsed.protocol)) {
    throw new TypeError(`"${url}" is no address of a server, such as wss://api.example.com.`);
  }
  parsed.hash = "";
  return parsed.href.replace(/^http/, "ws");
}
