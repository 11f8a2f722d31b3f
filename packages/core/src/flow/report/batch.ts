/** What a handler has reported and was not sent yet. Time is handed in; when it is due says rules/batching.ts. */
import type { JsonObject, JsonValue, ProgressUpdate } from "@streamer/protocol";
import type { EventBody } from "../../ports/requests.ts";
import { clampPercentage, dueInMs, type Batch, type BatchingOptions } from "../../rules/batching.ts";
import { noTimeSpent, spend, timeShare, type Course, type TimeSpent } from "../../rules/course.ts";
import type { Quantiles } from "../../rules/durations.ts";
import { remaining } from "../../rules/estimates.ts";
import { NONE_OMITTED, progressMessage, reported, type BatchContent } from "../../rules/progress.ts";

export interface Moment {
  /** Monotonic ms. */
  readonly at: number;
  /** Epoch ms. */
  readonly timestamp: number;
}

/** The run that is reported on. */
export interface BatchTerms {
  readonly batching: BatchingOptions;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** It goes on from a checkpoint of an earlier attempt. */
  readonly isResumed: boolean;
  /** What is told of what is reported: that, or which part of its time such a run has behind it. */
  readonly percentages: "work" | "time";
  readonly course: Course | undefined;
  readonly lateBy: number | undefined;
}

/** A message says when an update was made where that is so long before it, in ms. */
const LONG_AGO_MS = 1_000;

export class ProgressBatch {
  #updates: ProgressUpdate[] = [];
  /** Monotonic ms at which each of them was made. */
  #madeAt: number[] = [];
  /** Reported before them: more than a message carries came while none could be sent. */
  #omitted: BatchContent["omitted"] = NONE_OMITTED;
  /** What is due of them. */
  readonly #waiting: { -readonly [Name in keyof Batch]: Batch[Name] } = { count: 0, since: 0, percentage: 0, stageChanged: false };
  #newest: ProgressUpdate | undefined;
  /** As the handler reported it. */
  #percentage = 0;
  #stage: string | undefined;
  /** Monotonic ms of the last message. */
  #sentAt = -Infinity;
  /** Where this attempt's reports began: what a resumed run had done before is not its pace. */
  #first: { readonly percentage: number; readonly elapsedMs: number } | undefined;
  readonly #shared = new Map<string, JsonValue>();
  readonly #spent: TimeSpent = noTimeSpent();
  #spentUntil: number;
  readonly #terms: BatchTerms;

  constructor(terms: BatchTerms) {
    this.#terms = terms;
    this.#spentUntil = terms.startedAt;
  }

  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  share(key: string, value: JsonValue): void {
    this.#shared.set(key, value);
  }

  /** `at`: monotonic ms, as everywhere here. */
  add(percentage: number, message: string | undefined, metadata: JsonObject | undefined, at: number): void {
    this.#spend(at);
    this.#percentage = clampPercentage(percentage, this.#percentage);
    this.#first ??= this.#terms.isResumed
      ? { percentage: this.#percentage, elapsedMs: at - this.#terms.startedAt }
      : { percentage: 0, elapsedMs: 0 };
    const update = reported(this.#told(), message, metadata);
    if (update.stage !== undefined && update.stage !== this.#stage) {
      this.#stage = update.stage;
      this.#waiting.stageChanged = true;
    }
    this.#push(update, at);
    if (this.#updates.length > this.#terms.batching.maxUpdates) this.#omitOldest();
  }

  #push(update: ProgressUpdate, at: number): void {
    if (this.isEmpty) this.#waiting.since = at;
    this.#newest = update;
    this.#updates.push(update);
    this.#madeAt.push(at);
    this.#waiting.count = this.#updates.length;
    this.#waiting.percentage = this.#told();
  }

  #omitOldest(): void {
    const { count, metadata } = this.#omitted;
    this.#omitted = { count: count + 1, metadata: { ...metadata, ...this.#updates.shift()!.metadata } };
    this.#madeAt.shift();
  }

  /** P5: 100 comes before `complete`, whatever the handler reported. */
  complete(at: number): void {
    if (this.#newest?.percentage === 100) return;
    this.#percentage = 100;
    this.#push({ ...this.#newest, percentage: 100 }, at);
  }

  /** Where the run's time went, until now; undefined when it reported nothing. */
  timeSpent(at: number): TimeSpent | undefined {
    if (this.#first === undefined) return undefined;
    this.#spend(at);
    return this.#spent;
  }

  #spend(at: number): void {
    spend(this.#spent, this.#percentage, at - this.#spentUntil);
    this.#spentUntil = at;
  }

  #told(): number {
    const { percentages, course } = this.#terms;
    return percentages === "work" ? this.#percentage : 100 * timeShare(course, this.#percentage);
  }

  /** Ms until it is due; 0 is now, Infinity when there is nothing. */
  dueInMs(now: number): number {
    return dueInMs(this.#waiting, this.#sentAt, this.#terms.batching, now);
  }

  /** The one message of the batch, which is empty afterwards. `refused` says why metadata had to be left out. */
  take(
    attempt: number,
    moment: Moment,
    recorded: (aboveMs: number) => Quantiles | undefined,
  ): { readonly body: EventBody; readonly refused?: string } {
    const elapsedMs = moment.at - this.#terms.startedAt;
    const { course, lateBy } = this.#terms;
    const overTime = (percentage: number): number => 100 * timeShare(course, percentage);
    const first = this.#first && { ...this.#first, percentage: overTime(this.#first.percentage) };
    const pace = { elapsedMs, percentage: overTime(this.#percentage), lateBy, ...(first && { from: first }) };
    const message = progressMessage({
      updates: this.#dated(moment),
      maxUpdates: this.#terms.batching.maxUpdates,
      omitted: this.#omitted,
      attempt,
      shared: this.#shared,
      stage: this.#stage,
      eta: remaining(pace, recorded(elapsedMs)),
    });
    this.#updates = [];
    this.#madeAt = [];
    this.#omitted = NONE_OMITTED;
    this.#waiting.count = 0;
    this.#waiting.stageChanged = false;
    this.#sentAt = moment.at;
    return message;
  }

  #dated({ at, timestamp }: Moment): readonly ProgressUpdate[] {
    if (at - this.#madeAt[0]! < LONG_AGO_MS) return this.#updates;
    return this.#updates.map((update, n) => {
      const agoMs = at - this.#madeAt[n]!;
      return agoMs < LONG_AGO_MS ? update : { ...update, timestamp: Math.round(timestamp - agoMs) };
    });
  }
}
