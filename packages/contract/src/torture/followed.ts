/** What a tape says of one request: how often it was asked for, what answered it, and how each cursor was told of it. */
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import { isEvent, type Tape, type TapedEvent } from "./tape.ts";

/** What one `request`, `subscribe` or `retry` led to, on one connection. */
interface Cursor {
  /** Nothing at or below this seq was asked for. */
  readonly from: number;
  readonly seqs: number[];
}

export interface Followed {
  readonly id: string;
  asks: number;
  isAcknowledged: boolean;
  retries: number;
  readonly responses: ServerMessage<"response">[];
  readonly refusals: ServerMessage<"error">[];
  readonly cursors: Cursor[];
  /** Every event in the order it was heard, repeats included. */
  readonly events: TapedEvent[];
  /** Events that nobody had asked for on their connection. */
  readonly unasked: TapedEvent[];
}

export interface Reading {
  readonly followed: ReadonlyMap<string, Followed>;
  readonly unreadable: readonly string[];
  /** Frames with a `ref` that got no answer though their connection stayed open to the end of the tape. */
  readonly unanswered: readonly ClientMessage[];
  /** Refs that were answered more than once. */
  readonly answeredTwice: readonly string[];
}

export function readTape(tape: Tape): Reading {
  const followed = new Map<string, Followed>();
  const unreadable: string[] = [];
  const answeredTwice: string[] = [];
  const asked = new Map<string, { readonly message: ClientMessage; readonly connection: number; isAnswered: boolean }>();
  let cursors = new Map<string, Cursor>();
  let cancelled = new Set<string>();
  let epoch: string | undefined;

  const about = (id: string): Followed => {
    const known = followed.get(id);
    if (known) return known;
    const fresh: Followed = {
      id,
      asks: 0,
      isAcknowledged: false,
      retries: 0,
      responses: [],
      refusals: [],
      cursors: [],
      events: [],
      unasked: [],
    };
    followed.set(id, fresh);
    return fresh;
  };
  const follow = (id: string, from: number): void => {
    const cursor = { from, seqs: [] };
    cursors.set(id, cursor);
    about(id).cursors.push(cursor);
  };

  function sent(message: ClientMessage, connection: number): void {
    if (message.type === "request" && message.id !== undefined) {
      about(message.id).asks += 1;
      if (message.options?.subscribe !== false && !cursors.has(message.id)) follow(message.id, 0);
    } else if (message.type === "unsubscribe") cursors.delete(message.request_id);
    else {
      if (message.type === "cancel") cancelled.add(message.request_id);
      if (message.type === "retry") about(message.request_id).retries += 1;
      if ("ref" in message && message.ref !== undefined) asked.set(message.ref, { message, connection, isAnswered: false });
    }
  }

  function answered(ref: string): ClientMessage | undefined {
    const ask = asked.get(ref);
    if (!ask) return undefined;
    if (ask.isAnswered) answeredTwice.push(ref);
    ask.isAnswered = true;
    return ask.message;
  }

  /** An event carries no ref: a receipt answers every `cancel` of its request, an acknowledgment every `retry`. */
  function answeredBy(event: TapedEvent): void {
    const type = event.type === "cancellation" ? "cancel" : event.type === "acknowledgment" ? "retry" : undefined;
    for (const ask of asked.values())
      if (ask.message.type === type && "request_id" in ask.message && ask.message.request_id === event.request_id) ask.isAnswered = true;
  }

  function told(message: TapedEvent): void {
    const one = about(message.request_id);
    if (message.type === "acknowledgment") one.isAcknowledged = true;
    answeredBy(message);
    const cursor = cursors.get(message.request_id);
    const startsAnew = message.type === "acknowledgment" && one.retries > 0 && message.seq > (cursor?.seqs.at(-1) ?? 0);
    if (startsAnew) follow(message.request_id, message.seq - 1);
    const at = cursors.get(message.request_id);
    if (at) at.seqs.push(message.seq);
    else if (!cancelled.has(message.request_id)) return void one.unasked.push(message);
    one.events.push(message);
  }

  function snapshot(message: ServerMessage<"snapshot">): void {
    const ask = message.ref === undefined ? undefined : answered(message.ref);
    if (ask?.type === "subscribe") follow(message.request_id, message.recovered ? (ask.after ?? 0) : message.seq);
    if (ask !== undefined || message.ref === undefined || !followed.has(message.ref)) return;
    about(message.ref).isAcknowledged = true;
    // Under an idempotency key the request has the id that it was first asked for by.
    if (message.ref !== message.request_id) followed.set(message.ref, about(message.request_id));
    about(message.request_id).isAcknowledged = true;
    follow(message.request_id, 0);
  }

  function heard(message: ServerMessage): void {
    if (message.type === "welcome") {
      // Another store: a seq of the one before means nothing (§6.5).
      if (epoch !== undefined && epoch !== message.epoch)
        for (const one of followed.values()) {
          one.events.length = 0;
          one.cursors.length = 0;
        }
      epoch = message.epoch;
    } else if (isEvent(message)) told(message);
    else if (message.type === "snapshot") snapshot(message);
    else if (message.type === "response") about(message.request_id).responses.push(message);
    else if ("ref" in message && message.ref !== undefined) answered(message.ref);
    else if (message.type === "error" && message.request_id !== undefined) about(message.request_id).refusals.push(message);
  }

  for (const entry of tape) {
    if (entry.what === "opened") {
      cursors = new Map();
      cancelled = new Set();
    } else if (entry.what === "closed") {
      for (const [ref, { connection }] of asked) if (connection === entry.connection) asked.delete(ref);
    } else if (entry.what === "sent") sent(entry.message, entry.connection);
    else if (entry.what === "heard") heard(entry.message);
    else if (entry.what === "unreadable") unreadable.push(entry.text);
  }
  const unanswered = Array.from(asked.values()).flatMap(({ message, isAnswered }) => (isAnswered ? [] : [message]));
  return { followed, unreadable, unanswered, answeredTwice };
}
