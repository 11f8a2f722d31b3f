/** What a handler has reported and was not sent yet. Time is handed in; when it is due says rules/batching.ts. */
import type { JsonObject, JsonValue } from "@streamer/protocol";
import type { EventBody } from "../../ports/requests.ts";
import { clampPercentage, dueInMs, type BatchingOptions, type LastSent } from "../../rules/batching.ts";
import type { Quantiles } from "../../rules/durations.ts";
import { remaining } from "../../rules/estimates.ts";
import { progressMessage, reported, type Reported } from "../../rules/progress.ts";

export interface Moment {
  /** Monotonic ms. */
  readonly at: number;
  /** Epoch ms. */
  readonly timestamp: number;
}

export class ProgressBatch {
  #updates: Reported[] = [];
  /** Monotonic ms at which the oldest of them came. */
  #since = 0;
  #newest: Reported | undefined;
  #percentage = 0;
  #stage: string | undefined;
  #stageChanged = false;
  #sent: LastSent = { percentage: 0, at: -Infinity };
  /** Where this attempt's reports began: what a resumed run had done before is not its pace. */
  #first: { readonly percentage: number; readonly elapsedMs: number } | undefined;
  readonly #shared = new Map<string, JsonValue>();
  readonly #startedAt: number;
  readonly #isResumed: boolean;
  readonly #options: BatchingOptions;

  constructor(options: BatchingOptions, startedAt: number, isResumed: boolean) {
    this.#options = options;
    this.#startedAt = startedAt;
    this.#isResumed = isResumed;
  }

  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  share(key: string, value: JsonValue): void {
    this.#shared.set(key, value);
  }

  add(percentage: number, message: string | undefined, metadata: JsonObject | undefined, { at, timestamp }: Moment): void {
    this.#percentage = clampPercentage(percentage, this.#percentage);
    this.#first ??= this.#isResumed ? { percentage: this.#percentage, elapsedMs: at - this.#startedAt } : { percentage: 0, elapsedMs: 0 };
    const update = reported(this.#percentage, message, metadata, timestamp);
    if (update.stage !== undefined && update.stage !== this.#stage) {
      this.#stage = update.stage;
      this.#stageChanged = true;
    }
    if (this.isEmpty) this.#since = at;
    this.#newest = update;
    this.#updates.push(update);
    // More than a message carries: the oldest is only remembered by its metadata.
    if (this.#updates.length > this.#options.maxUpdates) {
      const [oldest, second, ...rest] = this.#updates as [Reported, Reported, ...Reported[]];
      this.#updates = [{ ...second, ...(oldest.metadata && { metadata: { ...oldest.metadata, ...second.metadata } }) }, ...rest];
    }
  }

  /** P5: 100 comes before `complete`, whatever the handler reported. */
  complete({ timestamp }: Moment): void {
    if (this.isEmpty && this.#sent.percentage >= 100) return;
    this.#percentage = 100;
    const last: Reported = { ...this.#newest, percentage: 100, timestamp };
    if (this.isEmpty) this.#updates.push(last);
    else this.#updates[this.#updates.length - 1] = last;
  }

  /** Ms until it is due; 0 is now, Infinity when there is nothing. */
  dueInMs(now: number): number {
    const batch = {
      count: this.#updates.length,
      since: this.#since,
      percentage: this.#percentage,
      stageChanged: this.#stageChanged,
    };
    return dueInMs(batch, this.#sent, this.#options, now);
  }

  /** The one message of the batch, which is empty afterwards. `refused` says why metadata had to be left out. */
  take(
    attempt: number,
    at: number,
    recorded: (aboveMs: number) => Quantiles | undefined,
  ): { readonly body: EventBody; readonly refused?: string } {
    const elapsedMs = at - this.#startedAt;
    const message = progressMessage({
      updates: this.#updates,
      maxUpdates: this.#options.maxUpdates,
      attempt,
      shared: this.#shared,
      stage: this.#stage,
      eta: remaining({ elapsedMs, percentage: this.#percentage, ...(this.#first && { from: this.#first }) }, recorded(elapsedMs)),
    });
    this.#updates = [];
    this.#stageChanged = false;
    this.#sent = { percentage: this.#percentage, at };
    return message;
  }
}
