/**
 * Every run of this process, from its beginning to its end, and what is done to those under way: one ticker promotes
 * those that overrun, renews leases, ends those over their timeout, and gives up on those that were told to stop and did
 * not.
 *
 * A run that was given up on ends; its handler may go on for ever. Its slot is given back, so that one author's mistake
 * stops nobody else, as long as no more handlers than there are inline slots go on so; each beyond that keeps its slot.
 * They are logged, counted, and shown by `Streamer.health`.
 */
import { andThen, orElse } from "../../awaitable.ts";
import { asError, type StopReason } from "../../errors.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Lease, RequestKey } from "../../ports/requests.ts";
import type { Ending } from "../../rules/outcome.ts";
import { createExecute, type ExecuteParts } from "./execute.ts";
import type { AcceptedRequest } from "../accepted.ts";
import { FirstTurn, Run, type Call, type RunOwner, type RunTerms } from "./run.ts";
import type { Slots } from "./slots.ts";

/** How often the ticker looks at runs. */
const TICK_MS = 250;

export interface RegistryParts extends ExecuteParts {
  readonly engine: ExecuteParts["engine"] & Pick<Engine, "clock" | "around">;
  readonly options: Pick<StreamerOptions, "cancelGraceMs" | "renewMs" | "runLifeMs" | "inlineSlots">;
  readonly slots: Pick<Slots, "free">;
  /** What follows from a result that is there within the turn its request came in. */
  readonly answered: (request: AcceptedRequest, result: unknown, runMs: number) => Awaitable<void>;
  /** What follows from how a run ended. */
  readonly conclude: (run: Run, ending: Ending) => Awaitable<void>;
  readonly promote: (run: Run) => Promise<void>;
}

/** What a run begins with, but for when. */
type Beginning = Omit<RunTerms, "startedAt" | "lifeMs">;

export type Registry = ReturnType<typeof createRegistry>;

export function createRegistry(parts: RegistryParts) {
  const { engine, options, slots, answered, conclude, promote } = parts;
  const { clock, log } = engine;
  const { execute } = createExecute(parts);
  /** A request that is claimed again may have two for a moment, of which the newer has the key. */
  const all = new Set<Run>();
  const byKey = new Map<RequestKey, Run>();
  const abandoned = new Set<Run>();
  /** What may begin a run and has none yet: a claim, a submit that claims, an input that is read. */
  let beginnings = 0;
  /** Whoever waits until something is over. */
  const waiting: { readonly isOver: () => boolean; readonly resolve: () => void }[] = [];
  let ticking = false;
  /** While all runs are told to stop: monotonic ms until which an end is tried to be stored. */
  let stopping: { readonly until: number; readonly claims: "go on" | "are over" } | undefined;

  function tick(): void {
    const now = clock.monotonic();
    for (const run of all) {
      try {
        lookAfter(run, now);
      } catch (error) {
        log.error({ request_id: run.terms.request.id, err: asError(error) }, "a run could not be looked after; it is tried again");
      }
    }
    ticking = all.size > 0;
    if (ticking) clock.after(TICK_MS, tick);
  }

  function lookAfter(run: Run, now: number): void {
    const { phase } = run;
    if (phase.name === "answering" && now >= phase.overrunAt) void promote(run);
    if (phase.name === "leased") run.renew(options.renewMs);
    if (now >= run.timesOutAt) stop(run, "timed_out");
    else if (now >= run.lifeEndsAt) stop(run, whyHandedBack(run, true));
    if (now >= run.givesUpAt) run.giveUp();
  }

  /** Tells a run to stop; a reason given before counts. Given up on after `graceMs`. */
  function stop(run: Run, reason: StopReason, graceMs: number = options.cancelGraceMs): void {
    run.givesUpAt = Math.min(run.givesUpAt, clock.monotonic() + graceMs);
    if (run.tellToStop(reason) && reason === "cancelled" && run.lease) run.reporter.emit({ type: "cancellation", stage: "observed" });
  }

  /** Begun anew without a checkpoint, a run longer than its process would never end. */
  function whyHandedBack(run: Run, requireCheckpoint: boolean): StopReason {
    return run.hasCheckpointed || !requireCheckpoint ? "shutting_down" : "out_of_time";
  }

  function register(terms: RunTerms, owner: RunOwner): Run {
    const run = new Run(terms, owner);
    all.add(run);
    byKey.set(terms.key, run);
    // The last claim was under way when all were told to stop: another process begins it anew.
    if (stopping?.claims === "are over" && run.phase.name === "leased") stop(run, "shutting_down", stopping.until - clock.monotonic());
    if (!ticking) {
      ticking = true;
      clock.after(TICK_MS, tick);
    }
    return run;
  }

  const completed = (terms: Beginning, startedAt: number): RunTerms => ({ ...terms, startedAt, lifeMs: options.runLifeMs });

  const called = (call: Call, about: Pick<RunTerms["request"], "id" | "action">): Awaitable<Ending> =>
    engine.around ? engine.around(about, () => execute(call)) : execute(call);

  /** Never rejects. */
  function live(run: Run, execution: Awaitable<Ending>): Awaitable<void> {
    if (!(execution instanceof Promise)) return over(run, execution, undefined);
    return run.endOf(execution).then((ending) => over(run, ending, ending.kind === "abandoned" ? execution : undefined));
  }

  /** `goesOn`: its handler, when that was given up on. Never rejects. */
  function over(run: Run, ending: Ending, goesOn: Promise<Ending> | undefined): Awaitable<void> {
    // A durable run keeps its slot until its end stands: what cannot be stored is not followed by more.
    const keepsSlot = run.phase.name !== "answering" || ending.kind === "abandoned";
    if (!keepsSlot) slots.free(run.terms.handler);
    const done = (): void => {
      if (byKey.get(run.terms.key) === run) byKey.delete(run.terms.key);
      if (goesOn) keepCount(run, goesOn);
      else if (keepsSlot) slots.free(run.terms.handler);
      all.delete(run);
      letGo();
    };
    const failed = (error: unknown): void => {
      log.error(
        { request_id: run.terms.request.id, err: asError(error) },
        "a run could not be concluded; it runs again once its lease is over",
      );
    };
    return andThen(
      orElse(() => conclude(run, ending), failed),
      done,
    );
  }

  const hasNoRun = (): boolean => all.size === 0;
  const isIdle = (): boolean => hasNoRun() && beginnings === 0;

  function until(isOver: () => boolean): Promise<void> {
    return isOver() ? Promise.resolve() : new Promise((resolve) => void waiting.push({ isOver, resolve }));
  }

  function letGo(): void {
    for (const one of waiting.splice(0)) {
      if (one.isOver()) one.resolve();
      else waiting.push(one);
    }
  }

  /** Does what may begin a run: until it has, or has not, this process is not idle (P13). */
  async function beginning<T>(begin: () => Promise<T>): Promise<T> {
    beginnings += 1;
    try {
      return await begin();
    } finally {
      beginnings -= 1;
      letGo();
    }
  }

  /** Of a handler that goes on after its run has ended. */
  function keepCount(run: Run, execution: Promise<Ending>): void {
    const { handler, request, startedAt } = run.terms;
    abandoned.add(run);
    const isFreed = abandoned.size <= options.inlineSlots;
    if (isFreed) slots.free(handler);
    const about = { request_id: request.id, action: handler.action, reason: run.stopped };
    log.error({ ...about, abandoned_runs: abandoned.size }, "a handler does not heed its signal: its request has ended, and it still runs");
    const ended = async (): Promise<void> => {
      await execution;
      abandoned.delete(run);
      if (!isFreed) slots.free(handler);
      log.warn({ ...about, ran_ms: Math.round(clock.monotonic() - startedAt) }, "a handler that did not heed its signal has ended");
    };
    void ended();
  }

  return {
    /** Begins a run and lives it to its end, which frees its slot. Never rejects. */
    live(terms: Beginning, owner: RunOwner): Awaitable<void> {
      const run = register(completed(terms, clock.monotonic()), owner);
      return live(run, called(run, terms.request));
    },
    /**
     * Answers a request by what its handler returns within this turn, or else by a run that lives to its end: `terms` are
     * asked for when there has to be one. Its slot is freed then. Never rejects.
     */
    answer(request: AcceptedRequest, terms: () => Beginning, owner: RunOwner): Awaitable<void> {
      const { requestId, handler } = request;
      const startedAt = clock.monotonic();
      let isOver = false;
      const turn = new FirstTurn(
        request,
        () => completed(terms(), startedAt),
        // A handler may have kept its context: what it says later it says after its end.
        (complete) => (isOver ? new Run({ ...complete, phase: { name: "ended" } }, owner) : register(complete, owner)),
      );
      const execution = called(turn, { id: requestId, action: handler.action });
      if (execution instanceof Promise || turn.isRun || execution.kind !== "returned") return live(turn.run, execution);
      isOver = true;
      slots.free(handler);
      return answered(request, execution.result, clock.monotonic() - startedAt);
    },
    /** The newest run of a request. */
    find: (key: RequestKey): Run | undefined => byKey.get(key),
    isAlive: ({ key, attempt }: Lease): boolean => byKey.get(key)?.lease?.attempt === attempt,
    stop,
    whyHandedBack,
    beginning,
    /** Resolves when no run is left, nor anything that may begin one. */
    idle: (): Promise<void> => until(isIdle),
    get running(): number {
      return all.size;
    },
    /** Runs that were given up on and whose handlers still go on. */
    get abandoned(): number {
      return abandoned.size;
    },
    /** Monotonic ms until which an end is tried to be stored: the process is about to end. Infinity before. */
    get settlesUntil(): number {
      return stopping?.until ?? Infinity;
    },
    /**
     * Tells every run to stop, and gives up on those that do not within `graceMs`. Resolves when all have ended. Once
     * claims are over, what begins by the last of them is told to stop too.
     */
    async stopAll(graceMs: number, claims: "go on" | "are over", reasonOf: (run: Run) => StopReason): Promise<void> {
      stopping = { until: clock.monotonic() + graceMs, claims };
      for (const run of all) stop(run, reasonOf(run), graceMs);
      const { promise: graceOver, resolve } = Promise.withResolvers<void>();
      // Not left to the ticker: a process that is about to freeze has no quarter of a second to spare.
      const callOff = clock.after(graceMs, () => {
        for (const run of all) run.giveUp();
        resolve();
      });
      await Promise.race([until(isIdle), graceOver]);
      // What has not begun a run by now is not waited for.
      await until(hasNoRun);
      callOff();
      stopping = undefined;
    },
  };
}
