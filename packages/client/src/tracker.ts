/**
 * One followed request, as its frames come in: its phase (phase.ts), what is known of it, and everyone here who waits
 * for something of it. No I/O.
 */
import type { CancellationStage, JsonValue, ServerMessage } from "@streamer/protocol";
import { isTerminal } from "@streamer/protocol";
import { aboutRequest, fromWire, type StreamerError } from "./errors.ts";
import { createListeners } from "./listeners.ts";
import { isNews, next, reading, type Going, type Input, type Phase } from "./phase.ts";
import { present } from "./present.ts";
import { UNSENT, advance, failed, fromSnapshot, type Progress, type RunEvent, type RunState } from "./run-state.ts";
import { createLatest, createRecording } from "./streams.ts";

/** The outcome of a cancellation (P8): `too_late` when the request ended first. */
export interface CancellationReceipt {
  readonly stage: "stopped" | "too_late";
  /** Whether the handler noticed the cancellation and stopped by itself. */
  readonly observed: boolean;
}

interface Cancelling {
  readonly reason: string | undefined;
  readonly ref: string;
  readonly receipt: PromiseWithResolvers<CancellationReceipt>;
  /** `early`: it overtook the request, and is said again once the request is known. */
  standing: "said" | "early";
}

export interface TrackerEvents {
  /** The server has answered the frame. */
  onAccepted(tracker: Tracker, frame: string): void;
  /** With the frame, if it was never answered. */
  onEnded(tracker: Tracker, frame: string | undefined): void;
}

/** What is needed to follow a request again, also from another page, process or device. */
export interface RunReference {
  readonly id: string;
  /** The last seq that was received. */
  readonly after: number;
  /** The store that the seq belongs to. */
  readonly epoch?: string;
  /** The frame that was sent; present until the server has answered it. */
  readonly frame?: string;
}

interface Reader {
  hear(event: RunEvent): void;
  end(): void;
}

/** A cursor past any store's: what comes back is the snapshot alone. */
const BEYOND = Number.MAX_SAFE_INTEGER;

export interface Tracker {
  id: string;
  /** Handles that users hold. */
  handles: number;
  /** Cancellation that was asked for here. */
  cancelling: Cancelling | undefined;
  readonly accepted: Promise<void>;
  readonly result: Promise<unknown>;
  readonly progress: AsyncIterable<Progress>;
  readonly phase: Phase;
  readonly isOver: boolean;
  /** What is sent until the server has answered it; undefined once it has. */
  readonly frame: string | undefined;
  /** Where to go on from. */
  readonly cursor: number;
  readonly reference: RunReference;
  readonly state: RunState;
  /** The receipt when it has ended already. */
  readonly receipt: CancellationReceipt;
  readonly onState: (listener: (state: RunState) => void) => () => void;
  /** The way to the server, and what was said on it. */
  move(input: Exclude<Input, { readonly type: "end" }>): void;
  apply(event: RunEvent): void;
  snapshot(snapshot: ServerMessage<"snapshot">): void;
  fail(error: StreamerError): void;
  /** Nobody here follows it any more; what is known stays as it is. */
  leave(): void;
  events(): AsyncIterable<RunEvent>;
  readonly partials: (stream: string) => AsyncIterable<JsonValue>;
}

export function createTracker(id: string, begin: Going, { onAccepted, onEnded }: TrackerEvents): Tracker {
  const accepted = Promise.withResolvers<void>();
  const result = Promise.withResolvers<unknown>();
  const progress = createLatest<Progress>();
  const listeners = createListeners<RunState>();
  const readers = new Set<Reader>();
  /** Receipts heard, whoever asked for them. */
  const receipts = new Set<CancellationStage>();
  let phase: Phase = begin;
  let state = UNSENT;
  // Whoever does not wait for these has no rejection to handle.
  result.promise.catch(() => undefined);
  accepted.promise.catch(() => undefined);

  function move(input: Input): void {
    const { frame } = tracker;
    phase = next(phase, input);
    if (input.type !== "hear" && input.type !== "snapshot") return;
    accepted.resolve();
    if (frame !== undefined) onAccepted(tracker, frame);
  }

  function become(known: RunState): void {
    state = known;
    listeners.tell(state);
  }

  function settle(): void {
    end(state.status === "COMPLETED" ? undefined : (state.error ?? fromWire(undefined, tracker.id)));
  }

  function end(error?: StreamerError): void {
    const { frame } = tracker;
    move({ type: "end" });
    if (error) {
      accepted.reject(error);
      result.reject(error);
    } else result.resolve(state.result);
    progress.end();
    for (const reader of readers) reader.end();
    const receipt = tracker.cancelling?.receipt;
    if (error?.code === "DETACHED") receipt?.reject(error);
    else receipt?.resolve(tracker.receipt);
    onEnded(tracker, frame);
  }

  function record<T>(read: (event: RunEvent, push: (value: T) => void) => void): AsyncIterable<T> {
    const recording = createRecording<T>(() => readers.delete(reader));
    const reader: Reader = { hear: (event) => read(event, recording.push), end: recording.end };
    if (tracker.isOver) recording.end();
    else readers.add(reader);
    return recording;
  }

  const tracker: Tracker = {
    id,
    handles: 0,
    cancelling: undefined,
    accepted: accepted.promise,
    result: result.promise,
    progress,
    get phase() {
      return phase;
    },
    get isOver() {
      return phase.name === "over";
    },
    get frame() {
      return "frame" in phase ? phase.frame : undefined;
    },
    get cursor() {
      return "seq" in phase && phase.name !== "astray" ? phase.seq : BEYOND;
    },
    get reference() {
      const { seq, epoch, ...rest } = phase.name === "over" ? phase.from : phase;
      return present<RunReference>({ id: tracker.id, after: seq, epoch, frame: "frame" in rest ? rest.frame : undefined });
    },
    get state() {
      return state;
    },
    get receipt(): CancellationReceipt {
      return { stage: state.status === "CANCELLED" ? "stopped" : "too_late", observed: receipts.has("observed") };
    },
    onState: listeners.add,
    move,
    apply(event) {
      const seq = event.type === "response" ? undefined : event.seq;
      if (phase.name === "over" || !isNews(phase, seq)) return;
      if (event.type === "cancellation") receipts.add(event.stage);
      const closes = (event.type === "error" || event.type === "complete") && seq! >= ("horizon" in phase ? phase.horizon : 0);
      become(advance(state, event, closes));
      // What answers a wish to cancel does not answer the request: that is still said until it is.
      if (seq || event.type === "response") move({ type: "hear", seq });
      for (const { hear } of readers) hear(event);
      if (event.type === "progress") progress.push(state.progress!);
      // Too late for a cancellation, perhaps because an earlier asking was heard: only the end tells, and it follows.
      if (event.type === "response" || closes) settle();
    },
    snapshot(snapshot) {
      if (phase.name === "over") return;
      tracker.id = snapshot.request_id;
      const read = reading(phase, state.status, snapshot);
      move({ type: "snapshot", seq: read === "take" ? snapshot.seq : phase.seq, horizon: snapshot.seq });
      if (read === "wait") return;
      become(fromSnapshot(snapshot));
      if (state.progress) progress.push(state.progress);
      if (read === "take" && isTerminal(snapshot.status)) settle();
    },
    fail(error) {
      if (tracker.isOver) return;
      become(failed(state, error));
      settle();
    },
    leave() {
      const problem = "is not followed here any more; it goes on at the server. Attach to it to follow it again.";
      if (!tracker.isOver) end(aboutRequest("DETACHED", tracker.id, problem));
    },
    events: () => record<RunEvent>((event, push) => push(event)),
    partials: (stream) =>
      record<JsonValue>((event, push) => {
        if (event.type === "partial" && event.stream === stream) push(event.data);
      }),
  };
  return tracker;
}
