/**
 * How far one subscriber has been told of one request, and what is sent to it next. A cursor moves over the seqs of its
 * request without a gap and without a repeat (P5, P6), whatever order publications reach it in:
 *
 *      hold                 release                 frames in order: sent as they come
 *   ─────────> held ──────────────────────> live ──────────────────────────────────────┐
 *                │                          │  ^                                        │
 *                │ follow(after)            │  │ the log has nothing more, and nothing  │
 *                │                          │  │ was published meanwhile                │
 *                v        a frame is missing v  │                                       │
 *              behind <──────────────────────┘──┘ <── follow(after) ────────────────────┘
 *                │
 *                └── reads the log page by page, at the client's pace; live frames are not kept meanwhile, however slow
 *                    the client: they are in the log (P11)
 *
 * The hand-over from replay to live is safe because both are one loop: while it reads, a publication only leaves the mark
 * `missed`; the loop becomes live only after a page that came back short with no mark set, and from then on a publication
 * that does not follow the last seq sends it back to the log. (Two senders, one for replays and one for live frames, did
 * not work: a cancellation published one turn after a later event was passed over as already told.)
 */
import type { Frame } from "../../ports/events.ts";
import type { RequestKey } from "../../ports/requests.ts";

type Phase =
  /** Something has to come first, and it is not known yet what: frames are kept. */
  | { readonly name: "held"; readonly frames: Frame[] }
  /** The log has what the subscriber lacks: what comes after `from`, or after the last seq sent. */
  | { readonly name: "behind"; from: number | undefined; missed: boolean }
  /** It was told everything up to the last seq; what was published since waits to be sent. */
  | { readonly name: "live"; readonly frames: Frame[] };

type CursorEvent = "hold" | "release" | "follow" | "gap" | "caught_up";
/** What becomes of each phase at each event. A cell that is missing does not compile. */
export const FOLLOWING: Readonly<Record<Phase["name"], Readonly<Record<CursorEvent, Phase["name"]>>>> = {
  held: { hold: "held", release: "live", follow: "behind", gap: "held", caught_up: "held" },
  behind: { hold: "behind", release: "behind", follow: "behind", gap: "behind", caught_up: "live" },
  live: { hold: "held", release: "live", follow: "behind", gap: "behind", caught_up: "live" },
};

/** Frames read at a time from the log. */
const PAGE = 500;

export interface CursorPorts {
  /** Frames of the request with a seq above `after`, oldest first. */
  readonly read: (key: RequestKey, after: number, limit: number) => Promise<readonly Frame[]>;
  /** Sends frames one after the other; each right after `admit` has let it, none once one was not. */
  readonly send: (connectionId: string, key: RequestKey, frames: readonly Frame[], admit: (seq: number) => boolean) => Promise<void>;
  /** Resolves when the connection can take more. */
  readonly ready: (connectionId: string) => Promise<void>;
}

export class Cursor {
  readonly connectionId: string;
  readonly key: RequestKey;
  /** Nobody publishes to it any more: once it has caught up it is done. */
  ends = false;
  /** Frames being answered that keep it back, and whether it is to stay whatever becomes of them. */
  holders = 0;
  stays = false;
  /** The subscription is gone: what is under way comes to nothing. */
  closed = false;
  /** What comes after this seq is told; what came before is of no concern to the subscriber, or was told in a snapshot. */
  #from: number;
  #last: number;
  #phase: Phase = { name: "live", frames: [] };
  /** Raised when what is to be told begins anew: a frame that still waits for its links then is told by the new beginning. */
  #beginnings = 0;
  #isSending = false;
  #sending: Promise<void> = Promise.resolve();
  readonly #ports: CursorPorts;

  constructor(connectionId: string, key: RequestKey, last: number, ports: CursorPorts) {
    this.connectionId = connectionId;
    this.key = key;
    this.#from = last;
    this.#last = last;
    this.#ports = ports;
  }

  /** The newest seq that was sent. */
  get last(): number {
    return this.#last;
  }

  /** Whether the subscriber has been told of the event, or is still to be. */
  tells(seq: number): boolean {
    return seq > this.#from && (!this.closed || seq <= this.#last);
  }

  get phase(): Phase["name"] {
    return this.#phase.name;
  }

  /** Frames that were committed, in seq order. Resolves when they are sent, kept, or left to the log. */
  publish(frames: readonly Frame[]): Promise<void> {
    const phase = this.#phase;
    if (phase.name === "behind") {
      phase.missed = true;
      return Promise.resolve();
    }
    phase.frames.push(...frames);
    return this.#go();
  }

  /** Keeps what is published until `release` or `follow`. */
  hold(): void {
    this.#become("hold");
  }

  /** What came up to `seq` is of no concern to whoever begins to follow now. */
  skipTo(seq: number): void {
    this.#last = Math.max(this.#last, seq);
    this.#from = Math.max(this.#from, seq);
  }

  /** Of what came after `seq` it is not known whether it was told. */
  goBackTo(seq: number): void {
    this.#last = Math.min(this.#last, seq);
  }

  release(): Promise<void> {
    this.#become("release");
    return this.#go();
  }

  /**
   * Sends what came after `after`, whatever was sent before, then goes on live. Resolves when it has caught up. Asked
   * again meanwhile it goes on from the earlier place, so that whoever asked has everything from there.
   */
  follow(after: number): Promise<void> {
    const phase = this.#phase;
    this.#beginnings += 1;
    this.#from = Math.min(this.#from, after);
    this.#become("follow", phase.name === "behind" ? Math.min(after, phase.from ?? this.#last) : after);
    return this.#go();
  }

  /** Other processes have written or told since `after`: what is new is in the log. */
  takeOver(after: number): Promise<void> {
    if (this.#phase.name !== "behind") return this.follow(Math.max(this.#last, after));
    this.#phase.missed = true;
    return this.#go();
  }

  #become(event: CursorEvent, from?: number): void {
    const before = this.#phase;
    const name = FOLLOWING[before.name][event];
    if (name === before.name && from === undefined) return;
    if (name === "behind") this.#phase = { name, from, missed: false };
    else this.#phase = { name, frames: before.name === "behind" ? [] : before.frames };
  }

  /** One loop sends all: what is asked meanwhile it finds when it looks at its phase again. */
  #go(): Promise<void> {
    if (!this.#isSending) {
      this.#isSending = true;
      this.#sending = this.#loop();
    }
    return this.#sending;
  }

  async #loop(): Promise<void> {
    try {
      while (!this.closed) {
        const phase = this.#phase;
        if (phase.name === "behind") await this.#readOn(phase);
        else if (phase.name === "held" || phase.frames.length === 0) return;
        else await this.#sendLive(phase.frames.splice(0));
      }
    } finally {
      this.#isSending = false;
    }
  }

  #send(frames: readonly Frame[]): Promise<void> {
    const beginning = this.#beginnings;
    return this.#ports.send(this.connectionId, this.key, frames, (seq) => {
      const isWanted = !this.closed && beginning === this.#beginnings;
      if (isWanted) this.#last = seq;
      return isWanted;
    });
  }

  async #sendLive(frames: readonly Frame[]): Promise<void> {
    const fresh = frames.filter(({ seq }) => seq > this.#last);
    const [first] = fresh;
    if (!first) return;
    // The store numbers without a gap: what is missing was committed before, and is published later or by others.
    const isContiguous = first.seq === this.#last + 1 && fresh.every(({ seq }, at) => seq === first.seq + at);
    if (!isContiguous) {
      this.#become("gap");
      return;
    }
    await this.#send(fresh);
  }

  async #readOn(phase: Extract<Phase, { readonly name: "behind" }>): Promise<void> {
    this.#last = phase.from ?? this.#last;
    phase.from = undefined;
    phase.missed = false;
    const page = await this.#ports.read(this.key, this.#last, PAGE);
    for (const frame of page) {
      await this.#ports.ready(this.connectionId);
      if (this.closed || this.#phase !== phase) return;
      await this.#send([frame]);
    }
    if (this.#phase === phase && page.length < PAGE && !phase.missed) this.#become("caught_up");
  }
}
