/**
 * One connection as its client sees it: what it sent, what it was told, in which order, and whether everything it asked was
 * answered once (P5, P6, P8, P10, P12).
 */
import { isTerminal, parseServerMessage, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { requestKey, type RequestKey } from "@streamer/core";
import type { StoredRequest } from "../engine.ts";
import type { Identity } from "../network.ts";
import type { Report } from "./findings.ts";
import { createListener } from "./gateway.ts";

/** How far it was told of one request. */
interface Cursor {
  /** What came before was not asked for. */
  from: number;
  seq: number;
  /** What a replay tells at least, whatever ends and is retried on the way. */
  readonly until: number;
  attempt: number;
  percentage: number;
  isEnded: boolean;
  /** The server has said that it follows; before, it was only asked for. */
  readonly isAnswered: boolean;
}

/** A request that was sent, perhaps several times. */
interface Ask {
  readonly asks: number;
  readonly follows: boolean;
  readonly text: string;
  /** By a response or a refusal. */
  answers: number;
  isAnswered: boolean;
}

export interface Witness {
  /** Notes a frame that the client sends. */
  sent(text: string): void;
  /** Checks a frame from the server: undefined when it is none, or the part of one. `failure`: the gateway's own word. */
  told(text: string): ServerMessage | "failure" | undefined;
  /** The frames that are not answered, as they were sent. */
  readonly unansweredTexts: readonly string[];
  /** What it still waits for an answer to. */
  readonly unanswered: readonly string[];
}

export interface WitnessParts {
  readonly connectionId: string;
  readonly identity: Identity;
  readonly read: (key: RequestKey) => StoredRequest | undefined;
  readonly report: Report;
  readonly transport: "socket" | "api-gateway";
  /** Ids that this user has asked for, on any connection. */
  readonly ids: Set<string>;
  /** An answer may be printed so long after what it says was read. */
  readonly mostLateMs: number;
}

type Event = Exclude<ServerMessage, { readonly type: "snapshot" }> & { readonly request_id: string; readonly seq: number };
const isEvent = (message: ServerMessage): message is Event => "seq" in message && message.seq !== undefined && message.type !== "snapshot";
const typeOf = (text: string): string => /^\{"type":"(\w+)"/.exec(text)?.[1] ?? "";
const PLACEHOLDER = '"streamer-blob:';
const FILES = "http://files.test/";

export function createWitness({ connectionId, identity, read, report, transport, ids, mostLateMs }: WitnessParts): Witness {
  const cursors = new Map<string, Cursor>();
  /** Asked by `ref`, and about which request. */
  const asked = new Map<string, ClientMessage>();
  /** Sent more than once: each may be answered. */
  const repeated = new Map<string, ClientMessage>();
  const listen = createListener(transport);
  const requests = new Map<string, Ask>();
  const perhaps = new Set<string>();
  const cancels = new Map<string, Set<string>>();
  /** By `ref`: cancels that were sent after their request, on one connection. */
  const afterRequest = new Set<string>();
  /** Requests that such a cancel did not find. */
  const notFound = new Set<string>();
  const everFollowed = new Set<string>();
  /** Asked for without following them: their acknowledgment is all that is told. */
  const unfollowed = new Set<string>();
  /** The acknowledgments of those, by their seq. */
  const passedOver = new Map<string, number>();
  let isFirst = true;
  let sentCount = 0;
  let hasFailed = false;
  let isRefused = false;

  const keyOf = (id: string): RequestKey => requestKey(identity.owner, id);
  const broken = (promise: string, what: string, text: string): void =>
    report(promise, `${what} (${identity.device} on ${connectionId}): ${text.slice(0, 2_000)}`);

  const follow = (id: string, after: number, { isAnswered = true, until = after } = {}): void => {
    everFollowed.add(id);
    const known = cursors.get(id);
    // Behind a gateway two functions may tell of it at once: what one tells again is no gap in what the other tells.
    if (transport === "api-gateway" && known) {
      const isAhead = after > known.seq;
      cursors.set(id, { ...known, ...(isAhead && { from: after, seq: after, isEnded: false }), isAnswered: true });
      return;
    }
    // Asked for twice, and not told yet what came up to the later place: it goes on from the earlier.
    const goesOn = known !== undefined && (!known.isEnded || known.seq < known.until) && known.isAnswered && known.seq < after;
    const seq = goesOn ? known.seq : after;
    cursors.set(id, { from: goesOn ? known.from : after, seq, until, attempt: 0, percentage: -1, isEnded: false, isAnswered });
  };

  /** Where a function failed behind it, whoever knows what became of what they cancel waits for no answer to that. */
  const isSettledByEnd = (ask: ClientMessage): boolean => {
    if (!hasFailed || ask.type !== "cancel") return false;
    return cursors.get(ask.request_id)?.isEnded === true || (requests.get(ask.request_id)?.answers ?? 0) > 0;
  };

  /** An event carries no ref: it may be the answer to any that asked for it. */
  const perhapsAnswered = (type: "cancel" | "retry", id: string): void => {
    for (const [ref, ask] of asked) {
      if (ask.type !== type || ask.request_id !== id) continue;
      asked.delete(ref);
      perhaps.add(ref);
    }
  };

  const answered = (id: string): void => {
    const ask = requests.get(id);
    if (ask) ask.isAnswered = true;
  };

  function checkText(event: Event, stored: StoredRequest, text: string): void {
    const at = stored.events.find(({ seq }) => seq === event.seq);
    if (!at) {
      if (event.type !== "progress") broken("P5", `an event is told that the store does not have at seq ${event.seq}`, text);
    } else if (at.text !== text && !text.includes(FILES) && !at.text.includes(PLACEHOLDER))
      broken("P5", `it was told otherwise than stored, ${at.text}`, text);
  }

  /** The first that has to be told between the two. */
  const leftOut = (stored: StoredRequest | undefined, after: number, before: number) =>
    stored?.events.find(({ seq, text }) => seq > after && seq < before && typeOf(text) !== "progress");

  function checkOrder(event: Event, cursor: Cursor, stored: StoredRequest | undefined, text: string): void {
    if (event.seq <= cursor.seq) {
      if (transport === "socket") broken("P5", `seq ${event.seq} comes after ${cursor.seq}`, text);
      return;
    }
    // Retried by hand from elsewhere, it is not followed here; who then cancels it is told the receipt.
    const isReceipt = event.type === "cancellation" && cancels.has(event.request_id);
    if (cursor.isEnded && isReceipt) return;
    if (cursor.isEnded && event.type !== "acknowledgment") broken("P2", "something comes after its end", text);
    const missed = leftOut(stored, cursor.seq, event.seq);
    if (missed) broken("P6", `seq ${event.seq} comes after ${cursor.seq}, and ${missed.seq} was left out: ${missed.text}`, text);
    if (event.type === "complete") {
      const progress = stored?.events.find(({ text: of }) => typeOf(of) === "progress");
      if (progress && progress.seq > cursor.from && cursor.percentage !== 100)
        broken("P5", `it is complete at ${cursor.percentage} %`, text);
    }
    if (event.type === "progress") {
      if (event.attempt < cursor.attempt || (event.attempt === cursor.attempt && event.percentage < cursor.percentage))
        broken("P5", `progress goes back from ${cursor.percentage} % of attempt ${cursor.attempt}`, text);
      Object.assign(cursor, { attempt: event.attempt, percentage: event.percentage });
    }
    cursor.seq = event.seq;
    cursor.isEnded = event.type === "complete" || event.type === "error";
  }

  function heard(message: Event, text: string): void {
    const { request_id: id } = message;
    const there = read(keyOf(id));
    // Under way since before the request was forgotten and asked for anew.
    const stored = there && "timestamp" in message && message.timestamp >= there.createdAt ? there : undefined;
    if (stored) checkText(message, stored, text);
    if (message.type === "acknowledgment") {
      if (message.seq === 1 && notFound.has(id) && transport === "socket" && requests.get(id)?.asks === 1)
        broken("P8", "it was cancelled after it was sent, and not found", text);
      answered(id);
      perhapsAnswered("retry", id);
      const retries = cursors.get(id);
      // It answers a request that was not to be followed, and is followed under another id.
      if (retries && message.seq <= retries.seq && unfollowed.delete(id)) return;
      // After a retry by hand, or anew after it was forgotten, it follows what comes, without what was before.
      if (!retries && unfollowed.delete(id)) return void passedOver.set(id, message.seq);
      // A push whose answer was lost is repeated.
      if (!retries && message.seq === passedOver.get(id) && transport === "api-gateway") return;
      if (!retries || (retries.isEnded && (message.seq > retries.seq || message.seq === 1))) follow(id, message.seq - 1);
    }
    if (message.type === "cancellation") perhapsAnswered("cancel", id);
    const cursor = cursors.get(id);
    // The receipt for whoever asked goes past what is followed: behind a gateway another function deals with that.
    const isReceipt = message.type === "cancellation" || (message.type === "error" && message.error.code === "CANCELLED");
    if (transport === "api-gateway" && isReceipt && cancels.has(id) && leftOut(stored, cursor?.seq ?? 0, message.seq)) return;
    if (cursor) checkOrder(message, cursor, stored, text);
    else if (!everFollowed.has(id) && !cancels.has(id) && !requests.has(id)) broken("P6", "an event is told that was not asked for", text);
  }

  function refused(message: ServerMessage<"error">, text: string): void {
    const { error, ref, request_id: id } = message;
    if (error.code === "RATE_LIMITED" && error.retry?.after_ms === undefined && !/follows \d+ requests/.test(error.message))
      broken("P14", "RATE_LIMITED does not say when to come back", text);
    if (/\n\s+at /.test(error.message)) broken("P12", "an error shows a stack", text);
    if (ref !== undefined) {
      if (error.code === "NOT_FOUND" && id !== undefined && afterRequest.has(ref)) notFound.add(id);
      // It was answered, and the server did not learn that the push had arrived.
      const isUnsure = transport === "api-gateway" && error.code === "INTERNAL_ERROR";
      if (!asked.delete(ref) && !perhaps.delete(ref) && !repeated.has(ref) && !isUnsure)
        broken("P12", `the refusal of ${ref} answers nothing that waits`, text);
      return;
    }
    if (id === undefined) return;
    const ask = requests.get(id);
    if (!ask) return;
    once(ask, text);
    // It follows only what it followed before.
    const cursor = cursors.get(id);
    if (cursor?.seq === 0 && !cursor.isAnswered) cursors.delete(id);
  }

  /** Their own, each once (P10). */
  function listed({ items, ref }: ServerMessage<"list">, text: string): void {
    if (ref !== undefined && !asked.delete(ref) && !repeated.has(ref)) broken("P12", `a second answer to ${ref}`, text);
    const others = items.filter(({ request_id: id, created_at: createdAt, action }) => {
      const stored = read(keyOf(id));
      return stored && (stored.createdAt !== createdAt || stored.action !== action);
    });
    if (others.length > 0) broken("P10", `a list has requests of others: ${others.map(({ request_id: id }) => id).join(", ")}`, text);
    if (new Set(items.map(({ request_id: id }) => id)).size < items.length) broken("P10", "a list has a request twice", text);
  }

  function once(ask: Ask, text: string): void {
    ask.isAnswered = true;
    ask.answers += 1;
    // Behind a gateway a push whose answer was lost is repeated.
    if (ask.answers > ask.asks && transport === "socket") broken("P12", "it is answered more often than it was asked", text);
  }

  /** Asked anew under another ref after a function had failed. */
  function forgetSame(message: ClientMessage): void {
    for (const [ref, before] of asked) {
      const isSame =
        before.type === message.type && "request_id" in before && "request_id" in message && before.request_id === message.request_id;
      if (!isSame) continue;
      asked.delete(ref);
      repeated.set(ref, before);
    }
  }

  function response(message: ServerMessage<"response">, text: string): void {
    const ask = requests.get(message.request_id);
    if (!ask) return broken("P4", "a response answers nothing that was asked", text);
    // Answered at once, it follows nothing: what is stored under its id may be of a request that was forgotten.
    const cursor = cursors.get(message.request_id);
    if (cursor?.seq === 0 && !cursor.isAnswered) cursors.delete(message.request_id);
    once(ask, text);
  }

  const subscribed = (id: string, after = 0, { recovered, seq }: ServerMessage<"snapshot">): void =>
    follow(id, recovered ? after : seq, { until: seq });

  function snapshot(message: ServerMessage<"snapshot">, text: string): void {
    const { ref, request_id: id } = message;
    const { expiresAt = Infinity, createdAt } = read(keyOf(id)) ?? {};
    if (createdAt === message.created_at && message.timestamp > expiresAt + mostLateMs)
      broken("P7", `it is shown ${message.timestamp - expiresAt} ms after its retention`, text);
    const ask = ref === undefined ? undefined : asked.get(ref);
    if (ask === undefined || ref === undefined) {
      const before = repeated.get(ref ?? "");
      if (before) return before.type === "subscribe" ? subscribed(id, before.after, message) : undefined;
      if (ref === undefined || !requests.has(ref)) return broken("P12", "a snapshot answers nothing", text);
      answered(ref);
      ids.add(id);
      return requests.get(ref)!.follows ? follow(id, 0, { until: message.seq }) : undefined;
    }
    asked.delete(ref);
    if (ask.type === "subscribe") subscribed(id, ask.after, message);
  }

  function dealWith(message: ServerMessage, text: string): void {
    if ("request_id" in message && message.request_id !== undefined && !ids.has(message.request_id) && message.type !== "snapshot")
      broken("P10", "it was told of a request it never asked for", text);
    if (text.includes(PLACEHOLDER)) broken("P7", "a link to a file is not signed", text);
    if (isEvent(message)) return heard(message, text);
    if (message.type === "error") refused(message, text);
    else if (message.type === "list") listed(message, text);
    else if (message.type === "response") response(message, text);
    else if (message.type === "snapshot") snapshot(message, text);
    else if (message.type === "cancellation") asked.delete(message.ref ?? "");
    else if ("ref" in message && message.ref !== undefined && !asked.delete(message.ref) && !repeated.has(message.ref))
      broken("P12", `a second answer to ${message.ref}`, text);
  }

  return {
    sent(text) {
      sentCount += 1;
      let message: ClientMessage;
      try {
        message = JSON.parse(text) as ClientMessage;
      } catch {
        return;
      }
      if (typeof message !== "object" || message === null) return;
      if (message.type === "request" && message.id !== undefined) {
        ids.add(message.id);
        const ask = requests.get(message.id) ?? { asks: 0, answers: 0, isAnswered: false, follows: false, text };
        const follows = message.options?.subscribe !== false;
        requests.set(message.id, { ...ask, asks: ask.asks + 1, isAnswered: false, follows, text });
        if (!follows) unfollowed.add(message.id);
        else if (!cursors.has(message.id)) follow(message.id, 0, { isAnswered: false });
        return;
      }
      if (message.type === "unsubscribe") return void cursors.delete(message.request_id);
      if ("ref" in message && message.ref !== undefined) {
        if (asked.has(message.ref)) repeated.set(message.ref, message);
        if (hasFailed) forgetSame(message);
        asked.set(message.ref, message);
        // Behind a gateway it may be dealt with before the request is.
        if (transport === "socket" && message.type === "cancel" && requests.get(message.request_id)?.asks === 1)
          afterRequest.add(message.ref);
      }
      if (message.type === "cancel" && message.ref !== undefined) {
        const refs = cancels.get(message.request_id) ?? new Set();
        cancels.set(message.request_id, refs.add(message.ref));
      }
    },
    told(received) {
      const listened = listen(received);
      if (listened.kind === "failure") {
        hasFailed = true;
        return "failure";
      }
      if (listened.kind !== "frame") return undefined;
      const { text } = listened;
      const parsed = parseServerMessage(text);
      if (!parsed.ok) {
        broken("P12", `it was told what is no frame of the protocol, ${parsed.error.message}`, text);
        return undefined;
      }
      const { message } = parsed;
      // A gateway has all frames dealt with at once, and the function that was to greet may have died.
      const mayBeLater = transport === "api-gateway" && (sentCount > 1 || hasFailed);
      if (isFirst && !mayBeLater && message.type !== "welcome" && message.type !== "error")
        broken("P12", "the first frame is no welcome", text);
      isFirst = false;
      if (message.type === "error" && message.ref === undefined && message.request_id === undefined) isRefused = true;
      dealWith(message, text);
      return message;
    },
    get unansweredTexts() {
      return [
        ...Array.from(asked.values(), (message) => JSON.stringify(message)),
        ...Array.from(requests.values()).flatMap(({ isAnswered, text }) => (isAnswered ? [] : [text])),
      ];
    },
    get unanswered() {
      // A frame that could not be read is refused without saying which it was.
      if (isRefused) return [];
      return [
        ...Array.from(asked).flatMap(([ref, ask]) => (isSettledByEnd(ask) ? [] : [`${ask.type} ${ref}`])),
        ...Array.from(requests).flatMap(([id, { isAnswered }]) => (isAnswered ? [] : [`request ${id}`])),
        ...Array.from(cursors).flatMap(([id, { isEnded, seq }]) => {
          const stored = read(keyOf(id));
          // Where a function failed, whoever knows the end already does not ask again.
          return !hasFailed && !isEnded && stored && isTerminal(stored.status) && (seq > 0 || requests.get(id)?.isAnswered)
            ? [`the end of ${id}, told up to seq ${seq} of ${stored.seq}`]
            : [];
        }),
      ];
    },
  };
}
