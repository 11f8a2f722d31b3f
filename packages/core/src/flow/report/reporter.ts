/**
 * What a running handler says, made into durable, numbered, delivered events. Each run has one reporter and each
 * reporter one write in flight: whatever is said meanwhile joins the next write. That write is `advance`, which also
 * renews the lease, refuses a lost one (P3) and tells whether cancellation was asked for.
 *
 *               lease              said something durable, or a batch is due
 *   unleased ───────────> idle ──────────────────────────────────────────────> writing
 *      progress is kept    ^ waits for the batch to be due                       │ │ │
 *      back                └───────────────── written, nothing due ──────────────┘ │ │
 *                          backing_off <──────── the store refused ────────────────┘ │
 *                             │ its time: writes the same again                      │
 *                             └─────────────────────────────> writing                │
 *                          lost <──────────── another run holds the lease ───────────┘
 *   any ── close ──> closed: what was not written belongs in the run's last write
 *
 * What the store refused is kept and written again, in its order: an event that was said is lost only with its lease.
 */
import type { JsonObject, JsonValue } from "@streamer/protocol";
import { asError, isPassing, Stopped } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Frame } from "../../ports/events.ts";
import type { Log } from "../../ports/log.ts";
import type { Advance, AdvanceOutcome, EventBody, Lease } from "../../ports/requests.ts";
import type { Quantiles } from "../../rules/durations.ts";
import { assertStorable, assertStream } from "../../rules/progress.ts";
import { pauseMs } from "../../rules/retry.ts";
import type { TimeSpent } from "../../rules/course.ts";
import { ProgressBatch, type BatchTerms } from "./batch.ts";

/** What every reporter of a process works with. */
export interface ReporterPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs: number;
  /** Largest partial or checkpoint, in characters of JSON. */
  readonly valueLength: number;
  readonly advance: (lease: Lease, change: Advance) => Promise<AdvanceOutcome>;
  readonly publish: (lease: Lease, frames: readonly Frame[]) => Promise<void>;
}

/** The run it speaks for. */
export interface Reporting extends BatchTerms {
  /** Of runs like this one that took longer than so many ms. */
  recorded(aboveMs: number): Quantiles | undefined;
  /** Makes a sync run durable: `lease` is called. Rejects when it cannot be. */
  acquireLease(): Promise<unknown>;
  onLost(): void;
  onCancelRequested(): void;
}

/** What was said and not written when the run ended. */
export interface Unwritten {
  readonly events: readonly EventBody[];
  readonly checkpoint: { readonly state: JsonValue } | undefined;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Phase =
  | { readonly name: "unleased" }
  | { readonly name: "idle"; readonly lease: Lease; timer: { readonly at: number; readonly cancel: () => void } | undefined }
  | { readonly name: "writing"; readonly lease: Lease }
  | { readonly name: "backing_off"; readonly lease: Lease; readonly cancel: () => void }
  | { readonly name: "lost" }
  | { readonly name: "closed" };

type ReporterEvent = "lease" | "write" | "written" | "refused" | "lost" | "close";
/** What becomes of each phase at each event; `stays` where the event changes nothing. A cell that is missing does not compile. */
export const REPORTING: Readonly<Record<Phase["name"], Readonly<Record<ReporterEvent, Phase["name"] | "stays">>>> = {
  unleased: { lease: "idle", write: "stays", written: "stays", refused: "stays", lost: "stays", close: "closed" },
  idle: { lease: "stays", write: "writing", written: "stays", refused: "stays", lost: "stays", close: "closed" },
  writing: { lease: "stays", write: "stays", written: "idle", refused: "backing_off", lost: "lost", close: "closed" },
  backing_off: { lease: "stays", write: "writing", written: "stays", refused: "stays", lost: "stays", close: "closed" },
  lost: { lease: "stays", write: "stays", written: "stays", refused: "stays", lost: "stays", close: "closed" },
  closed: { lease: "stays", write: "stays", written: "stays", refused: "stays", lost: "stays", close: "stays" },
};

export class Reporter {
  readonly #ports: ReporterPorts;
  readonly #run: Reporting;
  readonly #batch: ProgressBatch;
  readonly #partialCounts = new Map<string, number>();
  #phase: Phase = { name: "unleased" };
  /** Written in this order, the newest progress last. */
  #outbox: EventBody[] = [];
  #checkpoint: { readonly state: JsonValue } | undefined;
  /** Whoever waits for what is in the outbox. */
  #waiters: Waiter[] = [];
  #hasCheckpointed = false;
  #lastWriteAt: number;
  #refusals = 0;
  #writing: Promise<void> = Promise.resolve();
  #delivering: Promise<void> = Promise.resolve();

  constructor(ports: ReporterPorts, run: Reporting) {
    this.#ports = ports;
    this.#run = run;
    this.#batch = new ProgressBatch(run);
    this.#lastWriteAt = ports.clock.monotonic();
  }

  /** This run has saved a checkpoint that the next attempt will find. */
  get hasCheckpointed(): boolean {
    return this.#hasCheckpointed;
  }

  /** Where the run's time went by the percentages it reported, until now; undefined when it reported none. */
  get timeSpent(): TimeSpent | undefined {
    return this.#batch.timeSpent(this.#ports.clock.monotonic());
  }

  readonly report = (percentage: number, message?: string, metadata?: JsonObject): void => {
    if (this.#isOver()) return;
    const now = this.#ports.clock.monotonic();
    this.#batch.add(percentage, message, metadata, now);
    this.#arm(now);
  };

  readonly setMetadata = (key: string, value: JsonValue): void => this.#batch.share(key, value);

  readonly partial = async (stream: string, data: JsonValue): Promise<void> => {
    assertStream(stream);
    assertStorable(data, `Partial of stream "${stream}"`, this.#ports.valueLength);
    await this.#durable(() => {
      const index = this.#partialCounts.get(stream) ?? 0;
      this.#partialCounts.set(stream, index + 1);
      this.#outbox.push({ type: "partial", stream, index, data });
    });
  };

  readonly checkpoint = async (state: JsonValue): Promise<void> => {
    assertStorable(state, "Checkpoint", this.#ports.valueLength);
    await this.#durable(() => {
      this.#checkpoint = { state };
    });
  };

  /** Adds an event to the next write, which starts now. */
  emit(event: EventBody): void {
    if (this.#isOver()) return;
    this.#outbox.push(event);
    this.#startWrite();
  }

  /** From now on what the run says is written, under a lease that was asked for at `since` (monotonic ms). */
  lease(lease: Lease, since: number): void {
    this.#become("lease", () => ({ name: "idle", lease, timer: undefined }));
    this.#lastWriteAt = since;
    this.#arm(this.#ports.clock.monotonic());
  }

  /** Renews the lease unless a write did so within `withinMs`. */
  renew(withinMs: number): void {
    if (this.#ports.clock.monotonic() - this.#lastWriteAt >= withinMs) this.#startWrite();
  }

  /** Ends reporting. Resolves once nothing is in flight, with what is not written yet: it belongs in the last write. */
  async close(isComplete: boolean): Promise<Unwritten> {
    const attempt = "lease" in this.#phase ? this.#phase.lease.attempt : undefined;
    this.#become("close", () => ({ name: "closed" }));
    await this.#writing;
    await this.#delivering;
    this.#reject(new TypeError("The run has ended: what was still to be stored for it is part of its end."));
    if (attempt === undefined) return { events: [], checkpoint: undefined };
    if (isComplete) this.#batch.complete(this.#ports.clock.monotonic());
    const events = this.#batch.isEmpty ? this.#outbox : [...this.#outbox, this.#takeProgress(attempt)];
    return { events, checkpoint: this.#checkpoint };
  }

  #isOver(): boolean {
    return this.#phase.name === "closed" || this.#phase.name === "lost";
  }

  #become(event: ReporterEvent, make: () => Phase): boolean {
    const before = this.#phase;
    if (REPORTING[before.name][event] === "stays") return false;
    if (before.name === "idle") before.timer?.cancel();
    if (before.name === "backing_off") before.cancel();
    this.#phase = make();
    return true;
  }

  async #durable(add: () => void): Promise<void> {
    if (this.#phase.name === "unleased") await this.#run.acquireLease();
    if (this.#phase.name === "lost") throw new Stopped("lease_lost");
    if (this.#phase.name === "closed") throw new TypeError("The run has ended: nothing more can be stored for it.");
    const stored = new Promise<void>((resolve, reject) => {
      add();
      this.#waiters.push({ resolve, reject });
    });
    this.#startWrite();
    return stored;
  }

  #reject(error: unknown): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  #takeProgress(attempt: number): EventBody {
    const { clock } = this.#ports;
    const moment = { at: clock.monotonic(), timestamp: clock.now() };
    const { body, refused } = this.#batch.take(attempt, moment, (aboveMs) => this.#run.recorded(aboveMs));
    if (refused !== undefined) this.#ports.log.warn({}, `progress was sent without its metadata: ${refused}`);
    return body;
  }

  /** Makes sure that a write starts when the batch is due. */
  #arm(now: number): void {
    const phase = this.#phase;
    if (phase.name !== "idle" || this.#batch.isEmpty) return;
    const { clock } = this.#ports;
    const ms = this.#batch.dueInMs(now);
    if (phase.timer && phase.timer.at <= now + ms) return;
    phase.timer?.cancel();
    // At once is in a moment: what is said in the same turn goes along, and a run that ends in it needs no write but its last.
    phase.timer = { at: now + ms, cancel: clock.after(ms, () => this.#startWrite()) };
  }

  #startWrite(): void {
    if (!("lease" in this.#phase)) return;
    const { lease } = this.#phase;
    if (this.#become("write", () => ({ name: "writing", lease }))) this.#writing = this.#writeAll(lease);
  }

  /** Writes until nothing is due. Never rejects. */
  async #writeAll(lease: Lease): Promise<void> {
    const { clock } = this.#ports;
    do {
      // A batch that is not due stays: a handler that checkpoints often would otherwise send every update.
      const isDue = this.#batch.dueInMs(clock.monotonic()) === 0;
      const events = isDue ? [...this.#outbox, this.#takeProgress(lease.attempt)] : this.#outbox;
      const checkpoint = this.#checkpoint;
      const waiters = this.#waiters;
      [this.#outbox, this.#checkpoint, this.#waiters] = [[], undefined, []];
      const change: Advance = { events, leaseMs: this.#ports.leaseMs, ...(checkpoint && { checkpoint: checkpoint.state }) };
      try {
        const outcome = await this.#ports.advance(lease, change);
        if (outcome.outcome === "lost") {
          for (const { reject } of waiters) reject(new Stopped("lease_lost"));
          this.#lose();
          return;
        }
        this.#written(lease, outcome, checkpoint !== undefined);
        for (const { resolve } of waiters) resolve();
      } catch (error) {
        if (isPassing(error)) {
          this.#keep({ events, checkpoint, waiters });
          this.#backOff(lease, error);
          return;
        }
        // It would be refused again and again, and hold up everything behind it.
        this.#ports.log.error({ err: asError(error), events: events.length }, "what a run said could not be stored, and is left out");
        for (const { reject } of waiters) reject(error);
      }
    } while (this.#phase.name === "writing" && this.#hasToWrite());
    if (this.#become("written", () => ({ name: "idle", lease, timer: undefined }))) this.#arm(clock.monotonic());
  }

  #hasToWrite(): boolean {
    return this.#outbox.length > 0 || this.#checkpoint !== undefined || this.#batch.dueInMs(this.#ports.clock.monotonic()) === 0;
  }

  #written(lease: Lease, { frames, cancelRequested }: Extract<AdvanceOutcome, { outcome: "advanced" }>, withCheckpoint: boolean): void {
    this.#lastWriteAt = this.#ports.clock.monotonic();
    this.#refusals = 0;
    this.#hasCheckpointed ||= withCheckpoint;
    this.#delivering = this.#ports.publish(lease, frames);
    if (cancelRequested) this.#run.onCancelRequested();
  }

  #lose(): void {
    this.#become("lost", () => ({ name: "lost" }));
    this.#reject(new Stopped("lease_lost"));
    this.#run.onLost();
  }

  /** Back to where it was, before what was said meanwhile. */
  #keep({ events, checkpoint, waiters }: Unwritten & { readonly waiters: Waiter[] }): void {
    this.#outbox = [...events, ...this.#outbox];
    this.#checkpoint ??= checkpoint;
    this.#waiters = [...waiters, ...this.#waiters];
  }

  #backOff(lease: Lease, error: unknown): void {
    this.#refusals += 1;
    if (this.#refusals === 1)
      this.#ports.log.warn({ err: asError(error), key: lease.key }, "the store refused what a run says; it is kept and written again");
    const ms = pauseMs(this.#refusals);
    this.#become("refused", () => ({
      name: "backing_off",
      lease,
      cancel: this.#ports.clock.after(ms, () => this.#startWrite()),
    }));
  }
}
