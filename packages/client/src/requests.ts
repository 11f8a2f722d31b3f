/**
 * The book of what is open: followed requests by id, questions by ref. It decides what each frame means to whom, and
 * what to say again on a new connection: requests not answered yet under the same id (the server de-duplicates, P4),
 * all others by `subscribe` after the last seq seen (P6). No socket and no reconnecting here.
 */
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import { aboutRequest, cancelledUnsent, fromWire, type StreamerError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";
import { createFollowed } from "./followed.ts";
import { createOutbox } from "./outbox.ts";
import { present } from "./present.ts";
import { createPace, isPassing } from "./pace.ts";
import { createTracker, type CancellationReceipt, type RunReference, type Tracker } from "./tracker.ts";

export interface RequestsParts {
  readonly options: Pick<ResolvedOptions, "clock" | "outbox" | "random">;
  readonly isUp: () => boolean;
  readonly send: (text: string) => void;
}

export interface Requests {
  /** Sends a frame about a request, again on each connection until it is answered, and follows the request. */
  follow(id: string, message: ClientMessage<"request" | "retry">): Tracker;
  /** A request that ends before it was sent. */
  refused(id: string, error: StreamerError): Tracker;
  /** Follows a request that exists; joins in when this client follows it already. */
  attach(reference: RunReference): Tracker;
  /** One handle fewer: with the last one gone the request is no longer followed, unless it is attached to in a while. */
  detach(tracker: Tracker): void;
  cancel(tracker: Tracker, reason: string | undefined): Promise<CancellationReceipt>;
  /** Sends a question, again on each connection until it is answered. */
  ask(
    message: Omit<ClientMessage<"get">, "ref"> | Omit<ClientMessage<"list">, "ref"> | { readonly type: "actions" },
  ): Promise<ServerMessage>;
  /** Epoch ms, by the clock of the server that was connected to last. */
  now(): number;
  up(welcome: ServerMessage<"welcome">): void;
  down(): void;
  /** Something said on this connection was lost: what is unanswered is said again, and what did not come asked for, in a while. */
  stumble(): void;
  receive(message: ServerMessage): void;
  /** Ends everything that is open. */
  fail(error: (requestId?: string) => StreamerError): void;
}

interface Question {
  /** Sent again on the next connection; without it, what it belongs to sees to that. */
  readonly text?: string;
  /** Asks again, under another ref. */
  readonly again?: () => void;
  readonly answered?: (message: ServerMessage) => void;
  readonly refused: (error: StreamerError) => void;
}

/** From the last detach to the end of following: a view that is drawn anew keeps what it had. */
const DETACH_AFTER_MS = 1_000;

/** How the frame of a retry begins. */
const RETRY = '{"type":"retry"';
const print = (message: ClientMessage): string => JSON.stringify(message);

export function createRequests({ options, isUp, send }: RequestsParts): Requests {
  const outbox = createOutbox(options.outbox);
  const pace = createPace(options.clock, options.random);
  const followed = createFollowed();
  const questions = new Map<string, Question>();
  let refs = 0;
  let epoch: string | undefined;
  let aheadMs = 0;

  const all = (): readonly Tracker[] => [...followed].flatMap(([, trackers]) => trackers);
  const nextRef = (): string => `${(refs += 1)}`;

  const events = {
    onAccepted(tracker: Tracker, frame: string): void {
      outbox.remove(frame);
      if (tracker.cancelling?.standing === "early" && isUp()) sendCancel(tracker);
    },
    onEnded(tracker: Tracker, frame: string | undefined): void {
      if (frame !== undefined) outbox.remove(frame);
      if (tracker.cancelling) questions.delete(tracker.cancelling.ref);
      followed.remove(tracker);
    },
  };

  function sendFrame(tracker: Tracker): void {
    const { frame } = tracker;
    if (frame === undefined) return;
    const refusal = outbox.refusal(frame, tracker.id);
    if (refusal) {
      tracker.fail(refusal);
      return;
    }
    tracker.move({ type: "send" });
    send(frame);
  }

  function subscribe(id: string): void {
    const known = followed.of(id).filter(({ frame }) => frame === undefined);
    if (known.length === 0) return;
    const ref = nextRef();
    questions.set(ref, {
      again: () => subscribe(id),
      answered: (message) => {
        if (message.type === "snapshot") for (const tracker of followed.of(id)) tracker.snapshot(message);
      },
      refused: (error) => {
        if (isPassing(error)) pace.later(error, () => subscribe(id));
        else for (const tracker of followed.of(id)) if (tracker.frame === undefined) tracker.fail(error);
      },
    });
    // Several here may follow one request: the server replays for the one that is furthest behind.
    send(print({ type: "subscribe", request_id: id, after: Math.min(...known.map(({ cursor }) => cursor)), ref }));
  }

  function sendCancel(tracker: Tracker): void {
    const { cancelling } = tracker;
    if (!cancelling || tracker.isOver) return;
    const { ref, reason, receipt } = cancelling;
    cancelling.standing = "said";
    questions.set(ref, {
      again: () => sendCancel(tracker),
      answered: dispatch,
      refused: (error) => {
        if (error.code === "NOT_FOUND" && tracker.frame !== undefined) cancelling.standing = "early";
        else if (isPassing(error)) pace.later(error, () => sendCancel(tracker));
        else {
          tracker.cancelling = undefined;
          receipt.reject(error);
        }
      },
    });
    send(print(present({ type: "cancel", request_id: tracker.id, ref, reason })));
  }

  /** A server that had heard it after all answers with what there is (P4). Of what was answered, some may not have come. */
  function sayAgain(): void {
    // Unanswered, or told less than there was when this client came.
    const lacking = all().filter(({ phase }) => "frame" in phase || ("horizon" in phase && phase.seq < phase.horizon));
    const asked = [...questions];
    if (lacking.length + asked.length === 0) pace.calm();
    // Each does nothing for those that the other is for.
    for (const tracker of lacking) {
      sendFrame(tracker);
      subscribe(tracker.id);
    }
    for (const [ref, { text, again }] of asked) {
      if (text !== undefined) send(text);
      else if (questions.delete(ref)) again?.();
    }
  }

  function refused(id: string, error: StreamerError): Tracker {
    const tracker = createTracker(id, { name: "attached", seq: 0 }, events);
    tracker.fail(error);
    return tracker;
  }

  /** A refusal of the frame that made the request. */
  function refuse(tracker: Tracker, error: StreamerError): void {
    const { phase } = tracker;
    if (phase.name !== "sent") return;
    const sentBefore = phase.times > 1;
    if (phase.frame.startsWith(RETRY) && sentBefore && error.code === "VALIDATION_ERROR") {
      // Its first sending was heard and the answer lost: the request is queued again already.
      tracker.move({ type: "hear" });
      subscribe(tracker.id);
    } else if (error.code === "SERVICE_UNAVAILABLE" || (sentBefore && isPassing(error))) pace.later(error, () => sendFrame(tracker));
    else tracker.fail(error);
  }

  function dispatch(message: ServerMessage): void {
    switch (message.type) {
      case "acknowledgment":
      case "waiting":
      case "progress":
      case "partial":
      case "retrying":
      case "cancellation":
      case "complete":
      case "response":
        for (const tracker of followed.of(message.request_id)) tracker.apply(message);
        return;
      case "error": {
        const { request_id: id = "" } = message;
        for (const tracker of followed.of(id)) {
          if (message.seq) tracker.apply(message);
          // With a ref it answers a question, one that nobody here asks any more.
          else if (!message.ref) refuse(tracker, fromWire(message.error, id));
        }
        return;
      }
      case "snapshot":
        // The answer to a request that was there before, perhaps under another id (its idempotency key's).
        for (const tracker of followed.of(message.ref ?? message.request_id)) {
          followed.rename(tracker, message.request_id);
          tracker.snapshot(message);
        }
        return;
      case "welcome":
      case "pong":
      case "list":
      case "actions":
      case "part":
    }
  }

  /** Follows with a frame that is sent until it is answered. */
  function begin(id: string, frame: string): Tracker {
    const unanswered = followed.of(id).find((tracker) => tracker.frame !== undefined);
    if (unanswered?.frame === frame) return unanswered;
    if (unanswered) {
      return refused(id, aboutRequest("DUPLICATE_REQUEST", id, "is on its way from here as another one; use a new id."));
    }
    const tracker = createTracker(id, { name: "unsent", frame, seq: 0 }, events);
    const full = outbox.add(frame);
    followed.add(tracker);
    if (full) tracker.fail(full);
    else if (isUp()) {
      tracker.move({ type: "enter", epoch: epoch! });
      sendFrame(tracker);
    }
    return tracker;
  }

  return {
    follow: (id, message) => begin(id, print(message)),
    refused,
    attach({ id, after, epoch: seenIn, frame }) {
      const [joined] = followed.of(id);
      if (joined) return joined;
      if (frame !== undefined) return begin(id, frame);
      const tracker = createTracker(id, { name: "attached", seq: after, epoch: seenIn }, events);
      followed.add(tracker);
      if (isUp()) {
        tracker.move({ type: "enter", epoch: epoch! });
        subscribe(id);
      }
      return tracker;
    },
    detach(tracker) {
      tracker.handles -= 1;
      const leave = (): void => {
        if (tracker.handles > 0 || tracker.isOver) return;
        tracker.leave();
        if (isUp() && followed.of(tracker.id).length === 0) send(print({ type: "unsubscribe", request_id: tracker.id }));
      };
      // Not before the server has it: nothing that was sent is taken back.
      void tracker.accepted.then(
        () => options.clock.after(DETACH_AFTER_MS, leave),
        () => undefined,
      );
    },
    cancel(tracker, reason) {
      if (tracker.isOver) return Promise.resolve(tracker.receipt);
      if (!tracker.cancelling) {
        const receipt = Promise.withResolvers<CancellationReceipt>();
        receipt.promise.catch(() => undefined);
        tracker.cancelling = { reason, ref: nextRef(), receipt, standing: "said" };
        if (tracker.phase.name === "unsent") tracker.fail(cancelledUnsent(tracker.id));
        else if (isUp()) sendCancel(tracker);
      }
      return tracker.cancelling.receipt.promise;
    },
    ask(message) {
      const { promise, resolve, reject } = Promise.withResolvers<ServerMessage>();
      const ref = nextRef();
      const text = print({ ...message, ref });
      const full = outbox.add(text);
      void promise.catch(() => undefined).finally(() => outbox.remove(text));
      if (full) reject(full);
      else {
        questions.set(ref, { text, answered: resolve, refused: reject });
        if (isUp()) send(text);
      }
      return promise;
    },
    now: () => options.clock.monotonic() + aheadMs,
    up(welcome) {
      aheadMs = welcome.timestamp - options.clock.monotonic();
      pace.reset();
      outbox.setLimit(welcome.limits.message_bytes);
      epoch = welcome.epoch;
      const again: (() => void)[] = [];
      for (const [id, followers] of followed) {
        for (const tracker of followers) {
          tracker.move({ type: "enter", epoch });
          if (tracker.frame !== undefined) again.push(() => sendFrame(tracker));
          if (tracker.cancelling) again.push(() => sendCancel(tracker));
        }
        again.push(() => subscribe(id));
      }
      for (const { text } of questions.values()) if (text !== undefined) again.push(() => send(text));
      pace.spread(again, welcome.limits.messages_per_second);
    },
    stumble: () => pace.stumble(sayAgain),
    down() {
      pace.reset();
      for (const [ref, { text }] of questions) if (text === undefined) questions.delete(ref);
    },
    receive(message) {
      const { ref = "" } = message as { readonly ref?: string };
      const question = questions.get(ref);
      if (!question) {
        dispatch(message);
        return;
      }
      questions.delete(ref);
      if (message.type === "error") question.refused(fromWire(message.error, message.request_id));
      else question.answered?.(message);
    },
    fail(error) {
      pace.reset();
      for (const tracker of all()) {
        tracker.cancelling?.receipt.reject(error(tracker.id));
        tracker.fail(error(tracker.id));
      }
      for (const question of questions.values()) question.refused(error());
      questions.clear();
    },
  };
}
