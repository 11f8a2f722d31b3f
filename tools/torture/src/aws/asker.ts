/**
 * A bare client of one user that keeps everything it hears. It is as patient and as stubborn as docs/protocol.md §6 lets it
 * be: cut off, it connects again and resumes; what was never answered it sends again, under the same id; when it hears
 * nothing at all for a while it asks whether anybody is there.
 */
import { createPartJoiner, parseServerMessage, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import type { Entry, Tape } from "@streamer/contract/torture";
import { WebSocket } from "ws";
import type { Wish } from "./wishes.ts";

export interface Heard {
  readonly at: number;
  /** Counts the connections of this asker. */
  readonly connection: number;
  readonly message: ServerMessage;
}

/** One request, as its asker knows it. */
export interface Asked {
  readonly wish: Wish;
  readonly askedAt: number;
  readonly heard: readonly Heard[];
  /** The frame that ended it, and when. */
  readonly end: Heard | undefined;
  readonly sends: number;
  readonly cancels: number;
}

export interface Asker {
  readonly asked: ReadonlyMap<string, Asked>;
  readonly tape: Tape;
  /** What no client should ever be told, each with what it is about. */
  readonly complaints: readonly string[];
  readonly connections: number;
  readonly isGreeted: boolean;
  ask(wish: Wish): void;
  /** Follows a request that another asker of the same user has asked for. */
  follow(wish: Wish): void;
  /** Goes away without a word, and comes back. */
  cut(): void;
  close(): void;
}

export interface AskerTerms {
  readonly name: string;
  readonly url: string;
  token(): Promise<string>;
}

const RECONNECT_MS = [100, 200, 400, 800, 1_600] as const;
const AGAIN_MS = 400;
/** Everything is asked again at once: ever later, while nothing but apologies come. */
const ALL_AGAIN_MS = [400, 800, 1_600, 3_200] as const;
/** Long before the gateway ends a silent connection, so that a suite does not wait for it. */
const SILENCE_MS = 4_000;
const LOOK_MS = 500;
const MAX_UNDER_WAY = 2;
const UNDER_WAY_MS = 10_000;
/** A cancellation that nothing was heard of is asked for again. */
const CANCEL_AGAIN_MS = 3_000;
/** $connect may take the gateway's 29 s. */
const OPEN_WITHIN_MS = 30_000;

type State = "asked" | "durable" | "over";
interface Own extends Asked {
  readonly heard: Heard[];
  state: State;
  end: Heard | undefined;
  seq: number;
  sends: number;
  cancels: number;
  isCancelDue: boolean;
  isCancelHeard: boolean;
  cancelledAt: number;
  /** Whether something was heard of it since it was said last. */
  isAnswered: boolean;
  saidAt: number;
  saidOn: number;
}

export function createAsker({ name, url, token }: AskerTerms): Asker {
  const asked = new Map<string, Own>();
  const complaints: string[] = [];
  const tape: Entry[] = [];
  let socket: WebSocket | undefined;
  let connections = 0;
  let failures = 0;
  let isClosed = false;
  let heardAt = 0;
  let pinged = false;
  let refs = 0;
  let apologies = 0;
  let isToResume = false;
  let isGreeted = false;
  const line = new Set<Own>();

  const isOpen = (): boolean => socket?.readyState === WebSocket.OPEN;
  const send = (message: ClientMessage): void => {
    if (!isOpen()) return;
    tape.push({ what: "sent", connection: connections, message });
    socket?.send(JSON.stringify(message));
  };
  const later = (ms: number, act: () => void): void => {
    const on = connections;
    setTimeout(() => !isClosed && on === connections && act(), ms);
  };

  /** Puts it in line to be said: behind a gateway each frame is an invocation, and there are only so many at once. */
  function take(own: Own): void {
    if (own.state === "over") return;
    line.add(own);
    sayNext();
  }

  function sayNext(): void {
    const now = performance.now();
    const isUnderWay = ({ isAnswered, saidAt, saidOn }: Own): boolean =>
      !isAnswered && saidOn === connections && now - saidAt < UNDER_WAY_MS;
    let free = MAX_UNDER_WAY - Array.from(asked.values()).filter(isUnderWay).length;
    for (const own of line) {
      if (!isOpen() || free <= 0) return;
      line.delete(own);
      if (own.state === "over") continue;
      say(own);
      free -= 1;
    }
  }

  function say(own: Own): void {
    own.sends += 1;
    Object.assign(own, { isAnswered: false, saidAt: performance.now(), saidOn: connections });
    if (own.state === "asked") send(own.wish.frame);
    else send({ type: "subscribe", request_id: own.wish.id, after: own.seq, ref: `s${(refs += 1)}` });
    if (own.isCancelDue) cancel(own);
  }

  function cancel(own: Own): void {
    if (own.state === "over") return;
    own.isCancelDue = true;
    own.cancels += 1;
    own.cancelledAt = performance.now();
    // Before it has been answered, another process may not know it yet (§6.6).
    if (own.state === "durable") send({ type: "cancel", request_id: own.wish.id, ref: `c${(refs += 1)}` });
  }

  function over(own: Own, end: Heard): void {
    own.state = "over";
    own.end ??= end;
  }

  function event(own: Own, heard: Heard, seq: number): void {
    const { message } = heard;
    const wasAsked = own.state === "asked";
    if (wasAsked) own.state = "durable";
    if (seq > own.seq) own.seq = seq;
    if (message.type === "complete" || message.type === "error") over(own, heard);
    else if (wasAsked && own.isCancelDue) cancel(own);
  }

  /** An answer that is no event: a refusal, or that of a question. */
  function answer(own: Own, heard: Heard): void {
    const { message } = heard;
    if (message.type === "snapshot") {
      if (own.state === "asked") own.state = "durable";
      if (!message.recovered && message.ref?.startsWith("s")) complaints.push(`P6 ${own.wish.id} was not recovered after seq ${own.seq}`);
      if (own.isCancelDue && own.cancels === 0) cancel(own);
      return;
    }
    if (message.type === "cancellation") return;
    const error = message.type === "response" || message.type === "error" ? message.error : undefined;
    if (message.type === "response" && !error) return over(own, heard);
    if (!error || own.state === "over") return;
    // A request that waits for its answer is asked again when it is refused for now; anything else is its end.
    if (error.retry?.retryable) return later(error.retry.after_ms ?? AGAIN_MS, () => take(own));
    const isOfCancel = message.type === "error" && message.ref?.startsWith("c");
    if (isOfCancel && error.code === "NOT_FOUND") return later(AGAIN_MS, () => cancel(own));
    complaints.push(`P1 ${own.wish.id}, ${own.state}, was refused for good: ${JSON.stringify(message).slice(0, 300)}`);
    over(own, heard);
  }

  function told(message: ServerMessage): void {
    if (message.type === "welcome") isGreeted = true;
    const heard: Heard = { at: performance.now(), connection: connections, message };
    if (!("request_id" in message) || message.request_id === undefined) {
      // The connection itself is refused, or a frame could not be read.
      if (message.type === "error" && message.error.code !== "UNAUTHORIZED") resumeLater();
      return;
    }
    const own = asked.get(message.request_id);
    if (!own) return void complaints.push(`P10 ${name} was told of ${message.request_id}, which it never asked for`);
    own.heard.push(heard);
    own.isAnswered = true;
    if (message.type === "cancellation") own.isCancelHeard = true;
    sayNext();
    if ("seq" in message && message.seq !== undefined && message.type !== "snapshot") event(own, heard, message.seq);
    else answer(own, heard);
  }

  /** What is not over is asked for again, each from where it stands. */
  function resume(which: (own: Own) => boolean): void {
    const wanted = Array.from(asked.values()).filter(which);
    // What was said before is not under way any more.
    for (const own of wanted) own.saidOn = 0;
    for (const own of wanted) take(own);
  }

  function resumeLater(): void {
    if (isToResume) return;
    isToResume = true;
    later(ALL_AGAIN_MS[Math.min(apologies, ALL_AGAIN_MS.length - 1)]!, () => {
      isToResume = false;
      resume(({ isAnswered }) => !isAnswered);
    });
    apologies += 1;
  }

  function read(text: string, joiner: ReturnType<typeof createPartJoiner>): void {
    const parsed = parseServerMessage(text);
    if (!parsed.ok) {
      // The gateway's own, in place of an answer (§11).
      if (text.startsWith('{"message":')) return resumeLater();
      complaints.push(`P12 ${name} was told what is no frame of the protocol: ${text.slice(0, 300)}`);
    } else if (parsed.message.type === "part") {
      const whole = joiner.join(parsed.message);
      if (whole !== undefined) read(whole, joiner);
    } else {
      tape.push({ what: "heard", connection: connections, message: parsed.message });
      told(parsed.message);
      apologies = 0;
    }
  }

  async function dial(): Promise<void> {
    if (isClosed) return;
    connections += 1;
    [pinged, isToResume] = [false, false];
    const dialled = new WebSocket(url, { headers: { Authorization: `Bearer ${await token()}` }, handshakeTimeout: OPEN_WITHIN_MS });
    socket = dialled;
    const joiner = createPartJoiner();
    dialled.on("error", () => undefined);
    dialled.on("open", () => {
      heardAt = performance.now();
      tape.push({ what: "opened", connection: connections });
      // Behind API Gateway it is greeted before its first frame is answered (§2.3).
      if (!isGreeted) send({ type: "ping" });
      resume(() => true);
    });
    dialled.on("message", (data: Buffer) => {
      if (socket !== dialled) return;
      [heardAt, pinged, failures] = [performance.now(), false, 0];
      read(data.toString("utf8"), joiner);
    });
    dialled.on("close", () => {
      if (socket !== dialled) return;
      if (tape.length > 0) tape.push({ what: "closed", connection: connections });
      setTimeout(() => void dial(), RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)]);
      failures += 1;
    });
  }

  const watch = setInterval(() => {
    for (const own of asked.values()) {
      const isForgotten = own.isCancelDue && !own.isCancelHeard && performance.now() - own.cancelledAt > CANCEL_AGAIN_MS;
      if (isForgotten && own.state === "durable") cancel(own);
    }
    sayNext();
    const isWaiting = Array.from(asked.values()).some(({ state }) => state !== "over");
    if (!isOpen() || !isWaiting || performance.now() - heardAt < SILENCE_MS) return;
    if (pinged) return socket?.terminate();
    pinged = true;
    heardAt = performance.now();
    send({ type: "ping", ref: `p${(refs += 1)}` });
  }, LOOK_MS);
  void dial();

  const add = (wish: Wish, state: State): Own => {
    const own: Own = {
      wish,
      askedAt: performance.now(),
      heard: [],
      end: undefined,
      state,
      seq: 0,
      sends: 0,
      cancels: 0,
      isCancelDue: false,
      isAnswered: false,
      isCancelHeard: false,
      cancelledAt: 0,
      saidAt: 0,
      saidOn: 0,
    };
    asked.set(wish.id, own);
    if (isOpen()) take(own);
    return own;
  };
  return {
    asked,
    tape,
    complaints,
    get isGreeted() {
      return isGreeted;
    },
    get connections() {
      return connections;
    },
    ask: (wish) => {
      const own = add(wish, "asked");
      if (wish.cancelAfterMs !== undefined) setTimeout(() => cancel(own), wish.cancelAfterMs);
    },
    follow: (wish) => void add(wish, "durable"),
    cut: () => socket?.terminate(),
    close: () => {
      isClosed = true;
      clearInterval(watch);
      socket?.terminate();
    },
  };
}
