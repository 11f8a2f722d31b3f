/**
 * What a running handler says, made into durable, numbered, delivered events. Each run has one reporter and each
 * reporter one write in flight: whatever is said meanwhile joins the next write. That write is `advance`, which also
 * renews the lease, refuses a lost one (P3) and tells whether cancellation was asked for.
 *
 * A sync run starts without a lease: progress is kept back, and the first thing that must be durable (a partial, a
 * checkpoint, a blob) promotes it through `acquireLease`.
 */
import type { JsonObject, JsonValue } from "@streamer/protocol";
import { asError, Stopped } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Frame } from "../ports/events.ts";
import type { Log } from "../ports/log.ts";
import type { Advance, AdvanceOutcome, EventBody, Lease } from "../ports/requests.ts";
import { clampPercentage, dueInMs, type BatchingOptions } from "../rules/batching.ts";
import type { Quantiles } from "../rules/durations.ts";
import { remaining } from "../rules/estimates.ts";
import { assertStorable, progressMessage, reported, type Reported } from "../rules/progress.ts";

export interface ReporterParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly batching: BatchingOptions;
  readonly leaseMs: number;
  /** Largest partial or checkpoint, in characters of JSON. */
  readonly maxBytes: number;
  /** Of runs like this one that took longer than so many ms. */
  readonly recorded: (aboveMs: number) => Quantiles | undefined;
  readonly advance: (lease: Lease, change: Advance) => Promise<AdvanceOutcome>;
  readonly publish: (lease: Lease, frames: readonly Frame[]) => Promise<void>;
  /** Makes a sync run durable. Rejects when it cannot be. */
  readonly acquireLease: () => Promise<Lease>;
  readonly onLost: () => void;
  readonly onCancelRequested: () => void;
}

export interface Reporter {
  report(percentage: number, message?: string, metadata?: JsonObject): void;
  setMetadata(key: string, value: JsonValue): void;
  partial(stream: string, data: JsonValue): Promise<void>;
  checkpoint(state: JsonValue): Promise<void>;
  /** Adds an event to the next write, which starts now. */
  emit(event: EventBody): void;
  /** From now on the run has a lease and what it says is written. */
  attach(lease: Lease): void;
  /** Renews the lease unless a write did so within `withinMs`. */
  renew(withinMs: number): void;
  /** This run has saved a checkpoint that the next attempt will find. */
  readonly hasCheckpointed: boolean;
  /** Ends reporting. Resolves once nothing is in flight, with the events not written yet: they belong in the last write. */
  close(completed: boolean): Promise<readonly EventBody[]>;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createReporter(parts: ReporterParts): Reporter {
  const { clock, log, batching, leaseMs, maxBytes } = parts;
  const startedAt = clock.monotonic();
  const shared = new Map<string, JsonValue>();
  const partialCounts = new Map<string, number>();

  let lease: Lease | undefined;
  let closed = false;
  let writing: Promise<void> | undefined;
  let delivering: Promise<void> = Promise.resolve();
  let lastWriteAt = startedAt;
  let timer: { readonly at: number; readonly cancel: () => void } | undefined;

  let updates: Reported[] = [];
  let newestUpdate: Reported | undefined;
  let since = 0;
  let stageChanged = false;
  let newest = 0;
  let stage: string | undefined;
  let sent = { percentage: 0, at: -Infinity };

  let outbox: EventBody[] = [];
  let waiters: Waiter[] = [];
  let checkpointState: { readonly state: JsonValue } | undefined;
  let hasCheckpointed = false;

  const dueIn = (): number =>
    dueInMs({ count: updates.length, since, percentage: newest, stageChanged }, sent, batching, clock.monotonic());

  function takeProgress(): EventBody {
    const elapsed = clock.monotonic() - startedAt;
    const { attempt } = lease!;
    const { body, refused } = progressMessage({
      updates,
      maxUpdates: batching.maxUpdates,
      attempt,
      shared,
      stage,
      eta: remaining({ elapsedMs: elapsed, percentage: newest }, parts.recorded(elapsed)),
    });
    if (refused !== undefined) log.warn({}, `progress was sent without its metadata: ${refused}`);
    updates = [];
    stageChanged = false;
    sent = { percentage: newest, at: clock.monotonic() };
    return body;
  }

  /** A batch that is not due stays: a handler that checkpoints often would otherwise send every update. */
  function take(isLast: boolean): readonly EventBody[] {
    const events = outbox;
    outbox = [];
    return updates.length > 0 && (isLast || dueIn() === 0) ? [...events, takeProgress()] : events;
  }

  async function write(held: Lease): Promise<void> {
    do {
      const change: Advance = { events: take(false), leaseMs, ...(checkpointState && { checkpoint: checkpointState.state }) };
      const waiting = waiters;
      checkpointState = undefined;
      waiters = [];
      try {
        const outcome = await parts.advance(held, change);
        lastWriteAt = clock.monotonic();
        if (outcome.outcome === "lost") {
          parts.onLost();
          throw new Stopped("lease_lost");
        }
        hasCheckpointed ||= change.checkpoint !== undefined;
        delivering = parts.publish(held, outcome.frames);
        for (const { resolve } of waiting) resolve();
        if (outcome.cancelRequested) parts.onCancelRequested();
      } catch (error) {
        for (const { reject } of waiting) reject(error);
        if (waiting.length === 0) log.warn({ err: asError(error) }, "progress could not be stored");
      }
    } while (!closed && (outbox.length > 0 || checkpointState !== undefined || dueIn() === 0));
  }

  function startWrite(): void {
    if (!lease || writing || closed) return;
    disarm();
    writing = write(lease).finally(() => {
      writing = undefined;
      arm();
    });
  }

  function disarm(): void {
    timer?.cancel();
    timer = undefined;
  }

  /** Makes sure that a write starts when the batch is due. */
  function arm(): void {
    if (!lease || writing || closed || updates.length === 0) return;
    const ms = dueIn();
    if (ms === 0) {
      startWrite();
      return;
    }
    const at = clock.monotonic() + ms;
    if (timer && timer.at <= at) return;
    disarm();
    timer = { at, cancel: clock.after(ms, startWrite) };
  }

  async function durable(add: () => void): Promise<void> {
    if (closed) throw new TypeError("The run has ended: nothing more can be stored for it.");
    if (!lease) await parts.acquireLease();
    const stored = new Promise<void>((resolve, reject) => {
      add();
      waiters.push({ resolve, reject });
    });
    startWrite();
    return stored;
  }

  return {
    report(percentage, message, metadata) {
      if (closed) return;
      newest = clampPercentage(percentage, newest);
      const update = reported(newest, message, metadata, clock.now());
      if (update.stage !== undefined && update.stage !== stage) {
        stage = update.stage;
        stageChanged = true;
      }
      if (updates.length === 0) since = clock.monotonic();
      newestUpdate = update;
      updates.push(update);
      // More than a message carries: the oldest is only remembered by its metadata.
      if (updates.length > batching.maxUpdates) {
        const [oldest, second, ...rest] = updates as [Reported, Reported, ...Reported[]];
        updates = [{ ...second, ...(oldest.metadata && { metadata: { ...oldest.metadata, ...second.metadata } }) }, ...rest];
      }
      arm();
    },
    setMetadata(key, value) {
      shared.set(key, value);
    },
    async partial(stream, data) {
      assertStorable(data, `Partial of stream "${stream}"`, maxBytes);
      await durable(() => {
        const index = partialCounts.get(stream) ?? 0;
        partialCounts.set(stream, index + 1);
        outbox.push({ type: "partial", stream, index, data });
      });
    },
    async checkpoint(state) {
      assertStorable(state, "Checkpoint", maxBytes);
      await durable(() => {
        checkpointState = { state };
      });
    },
    emit(event) {
      outbox.push(event);
      startWrite();
    },
    get hasCheckpointed() {
      return hasCheckpointed;
    },
    attach(held) {
      lease = held;
      lastWriteAt = clock.monotonic();
      arm();
    },
    renew(withinMs) {
      if (clock.monotonic() - lastWriteAt >= withinMs) startWrite();
    },
    async close(completed) {
      closed = true;
      disarm();
      await writing;
      await delivering;
      if (!lease) return [];
      // P5: 100 comes before `complete`, whatever the handler reported.
      if (completed && (updates.length > 0 || sent.percentage < 100)) {
        newest = 100;
        const last: Reported = { ...newestUpdate, percentage: 100, timestamp: clock.now() };
        if (updates.length > 0) updates[updates.length - 1] = last;
        else updates.push(last);
      }
      return take(true);
    },
  };
}
