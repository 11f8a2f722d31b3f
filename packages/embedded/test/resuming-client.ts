/**
 * A bare client that lives through its server's deaths: whenever it is cut off it connects again, sends again what was
 * never answered, and subscribes after the last seq it has of everything else (docs/protocol.md §6). It throws away
 * nothing it hears, so that a repeat would show.
 */
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import { connectClient, type TestClient } from "./client.ts";

export type Event = ServerMessage & { readonly seq: number };

interface Followed {
  readonly id: string;
  readonly frame: ClientMessage<"request">;
  /** Events in the order they came. */
  readonly events: Event[];
  readonly ended: Promise<Event>;
}

export interface ResumingClient {
  request(id: string, action: string, payload: { readonly n: number }, options?: ClientMessage<"request">["options"]): Followed;
  cancel(id: string): void;
  readonly followed: ReadonlyMap<string, Followed>;
  /** Connects to the server that has just started. */
  connect(url: string, token: string): void;
  close(): void;
}

export function createResumingClient(): ResumingClient {
  const followed = new Map<string, Followed & { readonly end: (event: Event) => void; isEnded: boolean }>();
  const cancelled = new Set<string>();
  let current: TestClient | undefined;
  let isOpen = false;

  const hear = (message: ServerMessage): void => {
    if (!("request_id" in message) || message.request_id === undefined) return;
    const known = followed.get(message.request_id);
    if (!known || !("seq" in message) || message.seq === undefined || message.type === "snapshot") return;
    known.events.push(message as Event);
    if (message.type !== "complete" && message.type !== "error") return;
    known.isEnded = true;
    known.end(message as Event);
  };

  const catchUp = (client: TestClient): void => {
    for (const { id, frame, events, isEnded } of followed.values()) {
      if (isEnded) continue;
      const last = events.at(-1)?.seq;
      client.send(last === undefined ? frame : { type: "subscribe", request_id: id, after: last });
      if (cancelled.has(id)) client.send({ type: "cancel", request_id: id });
    }
  };

  return {
    followed,
    request(id, action, payload, options) {
      const { promise: ended, resolve: end } = Promise.withResolvers<Event>();
      const frame: ClientMessage<"request"> = { type: "request", id, action, payload, options: { mode: "async", ...options } };
      const entry = { id, frame, events: [], ended, end, isEnded: false };
      followed.set(id, entry);
      if (isOpen) current?.send(frame);
      return entry;
    },
    cancel(id) {
      cancelled.add(id);
      if (isOpen) current?.send({ type: "cancel", request_id: id });
    },
    connect(url, token) {
      const client = connectClient(url, token);
      current = client;
      client.socket.on("message", () => {
        if (client !== current) return;
        for (; heard < client.messages.length; heard += 1) hear(client.messages[heard]!);
      });
      let heard = 0;
      client.socket.once("open", () => {
        isOpen = true;
        catchUp(client);
      });
      client.socket.once("close", () => {
        if (client === current) isOpen = false;
      });
    },
    close() {
      current?.socket.close();
    },
  };
}

/** Its end, as a status. */
export const statusOf = (end: Event): "COMPLETED" | "CANCELLED" | "FAILED" =>
  end.type === "complete" ? "COMPLETED" : end.type === "error" && end.error.code === "CANCELLED" ? "CANCELLED" : "FAILED";
