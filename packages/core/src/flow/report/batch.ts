/** What a handler has reported and was not sent yet. Time is handed in; when it is due says rules/batching.ts. */
import type { JsonObject, JsonValue } from "@streamer/protocol";
import type { EventBody } from "../../ports/requests.ts";
import { clampPercentage, dueInMs, type BatchingOptions } from "../../rules/batching.ts";
import { noTimeSpent, spend, timeShare, type Course, type TimeSpent } from "../../rules/course.ts";
import type { Quantiles } from "../../rules/durations.ts";
import { remaining } from "../../rules/estimates.ts";
import { NONE_OMITTED, progressMessage, reported, type BatchContent, type Reported } from "../../rules/progress.ts";

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

export class ProgressBatch {
  #updates: Reported[] = [];
  /** Reported before them: more than a message carries came while none could be sent. */
  #omitted: BatchContent["omitted"] = NONE_OMITTED;
  /** Monotonic ms at which the oldest of them came. */
  #since = 0;
  #newest: Reported | undefined;
  /** As the handler reported it. */
  #percentage = 0;
  #stage: string | undefined;
  #stageChanged = false;
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

  add(percentage: number, message: string | undefined, metadata: JsonObject | undefined, { at, timestamp }: Moment): void {
    const { isResumed, startedAt } = this.#terms;
    this.#spend(at);
    this.#percentage = clampPercentage(percentage, this.#percentage);
    this.#first ??= isResumed ? { percentage: this.#percentage, elapsedMs: at - startedAt } : { percentage: 0, elapsedMs: 0 };
    const update = reported(this.#told, message, metadata, timestamp);
    if (update.stage !== undefined && update.stage !== this.#stage) {
      this.#stage = update.stage;
      this.#stageChanged = true;
    }
    if (this.isEmpty) this.#since = at;
    this.#newest = update;
    this.#updates.push(update);
    if (this.#updates.length > this.#terms.batching.maxUpdates) this.#omitOldest();
  }

  #omitOldest(): void {
    const { count, metadata } = this.#omitted;
    this.#omitted = { count: count + 1, metadata: { ...metadata, ...this.#updates.shift()!.metadata } };
  }

  /** P5: 100 comes before `complete`, whatever the handler reported. */
  complete({ timestamp }: Moment): void {
    if (this.#newest?.percentage === 100) return;
    this.#percentage = 100;
    this.#newest = { ...this.#newest, percentage: 100, timestamp };
    this.#updates.push(this.#newest);
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

  get #told(): number {
    const { percentages, course } = this.#terms;
    return percentages === "work" ? this.#percentage : 100 * timeShare(course, this.#percentage);
  }

  /** Ms until it is due; 0 is now, Infinity when there is nothing. */
  dueInMs(now: number): number {
    const batch = {
      count: this.#updates.length,
      since: this.#since,
      percentage: this.#told,
      stageChanged: this.#stageChanged,
    };
    return dueInMs(batch, this.#sentAt, this.#terms.batching, now);
  }

  /** The one message of the batch, which is empty afterwards. `refused` says why metadata had to be left out. */
  take(
    attempt: number,
    { at, timestamp }: Moment,
    recorded: (aboveMs: number) => Quantiles | undefined,
  ): { readonly body: EventBody; readonly refused?: string } {
    const elapsedMs = at - this.#terms.startedAt;
    const { course, lateBy } = this.#terms;
    const overTime = (percentage: number): number => 100 * timeShare(course, percentage);
    const first = this.#first && { ...this.#first, percentage: overTime(this.#first.percentage) };
    const pace = { elapsedMs, percentage: overTime(this.#percentage), lateBy, ...(first && { from: first }) };
    const message = progressMessage({
      updates: this.#updates,
      maxUpdates: this.#terms.batching.maxUpdates,
      omitted: this.#omitted,
      attempt,
      shared: this.#shared,
      stage: this.#stage,
      eta: remaining(pace, recorded(elapsedMs)),
      timestamp,
    });
    this.#updates = [];
    this.#omitted = NONE_OMITTED;
    this.#stageChanged = false;
    this.#sentAt = at;
    return message;
  }
}
