/**
 * What runs in this process: begins runs, at once or of claims, and concludes them. What phases a run goes through is
 * drawn in life.ts; registry.ts has them all.
 */
import { andThen } from "../../awaitable.ts";
import { asError, Fatal, type StreamerError } from "../../errors.ts";
import type { AnyHandler } from "../../handler.ts";
import type { Middleware } from "../../middleware.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Claim, Owner, RequestKey } from "../../ports/requests.ts";
import { declaredMs } from "../../rules/estimates.ts";
import { sizeClass } from "../../rules/input-size.ts";
import { decide, storable, type Decision, type Ending } from "../../rules/outcome.ts";
import { DEFAULT_RETRY } from "../../rules/retry.ts";
import { storageFull } from "../../rules/stored-bytes.ts";
import { describeIssues, validate, type Validated } from "../../rules/validation.ts";
import type { AcceptedRequest } from "../accepted.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Faults } from "../faults.ts";
import type { Estimates } from "../learn.ts";
import { createAnswer } from "./answer.ts";
import { createAtOnce } from "./at-once.ts";
import { createPromotion, type PromotionParts } from "./promotion.ts";
import { createRegistry } from "./registry.ts";
import { createRenew } from "./renew.ts";
import type { Run, RunOwner, RunTerms } from "./run.ts";
import { createSettle } from "./settle.ts";
import { createSlots } from "./slots.ts";

export interface RunsParts {
  readonly engine: Engine;
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly middleware: readonly Middleware[];
  readonly options: StreamerOptions;
  readonly faults: Faults;
  readonly deliver: Deliver;
  readonly estimates: Estimates;
  readonly promote: PromotionParts["submit"];
  readonly onSlotFree: () => void;
  readonly random: () => number;
}

export type Runs = ReturnType<typeof createRuns>;

const ENDED = { name: "ended" } as const;

/** A claimed request whose payload was read. */
interface Read {
  readonly input: RunTerms["input"];
  readonly kind: AcceptedRequest["kind"] | undefined;
  /** When its lease was asked for (life.ts). */
  readonly since: number;
}

export function createRuns(parts: RunsParts) {
  const { engine, handlers, middleware, options, faults, deliver, estimates, random } = parts;
  const { requests, clock, log } = engine;
  const slots = createSlots({ engine, handlers, options, onSlotFree: parts.onSlotFree });
  const answer = createAnswer({ engine, deliver, valueLength: options.valueLength });
  const promotion = createPromotion({ engine, deliver, submit: parts.promote, stop: (run, reason) => registry.stop(run, reason) });
  const registry = createRegistry({
    engine,
    middleware,
    options,
    slots,
    checkRoom: async ({ id, tenantId, userId }) => {
      const refused = await refusalByStorage(id, { tenantId, userId });
      if (refused) throw refused;
    },
    answered: (request, result, runMs) => {
      estimates.record(estimates.begin(request.kind), { runMs, spent: undefined });
      return answer(request, { kind: "complete", result }, runMs);
    },
    conclude,
    promote: promotion.promote,
  });
  const renew = createRenew({ engine, options, deliver });
  const settle = createSettle({ engine, options, faults, deliver, givesUpAt: () => registry.settlesUntil });

  const owner: RunOwner = {
    reporterPorts: {
      clock,
      log,
      leaseMs: options.leaseMs,
      valueLength: options.valueLength,
      advance: (lease, change) => requests.advance(lease, change),
      publish: (lease, frames) => deliver.publish(lease.key, frames),
    },
    recorded: (run, aboveMs) => estimates.known(run.terms.begun, aboveMs),
    paceOf: estimates.pace,
    makeDurable: promotion.makeDurable,
    stop: (run, reason) => registry.stop(run, reason),
  };

  const atOnce = createAtOnce({ engine, options, deliver, slots, registry, owner, estimates });

  function conclude(run: Run, ending: Ending): Awaitable<void> {
    const runMs = clock.monotonic() - run.terms.startedAt;
    return andThen(run.phase.name === "promoting" ? run.phase.promotion : undefined, () => {
      const decision = decisionOf(run, ending);
      // How a request is routed never changes what its handler promised: tried again it must be durable (P9).
      const goesOn = decision.kind === "retry" || decision.kind === "wait";
      return andThen(goesOn && run.phase.name === "answering" ? promotion.promote(run) : undefined, () => carryOut(run, decision, runMs));
    });
  }

  function carryOut(run: Run, decision: Decision, runMs: number): Awaitable<void> {
    const { phase } = run;
    if (decision.kind === "complete" && run.terms.resumed === undefined)
      estimates.record(run.terms.begun, { runMs, spent: run.timeSpent, course: run.course });
    run.become("finish", phase.name === "leased" ? { name: "settling", claim: phase.claim } : ENDED);
    if (phase.name === "answering") return answer(run.terms.accepted!, decision, runMs);
    return phase.name === "leased" ? settle(run, phase.claim, decision, runMs).then(() => run.become("settle", ENDED)) : undefined;
  }

  function decisionOf(run: Run, ending: Ending): Decision {
    const { handler, request, timeoutMs, accepted } = run.terms;
    const { phase, stopped } = run;
    // What most runs come to.
    if (ending.kind === "returned" && stopped === undefined && phase.name === "answering")
      return { kind: "complete", result: ending.result };
    const begun = { requestId: request.id, failures: 0, crashes: 0, maxAttempts: accepted?.terms.maxAttempts ?? 1, timeoutMs };
    const claim = phase.name === "leased" ? phase.claim : begun;
    const retry = { ...DEFAULT_RETRY, ...handler.retry };
    // Told to stop, it may have failed by that: nobody is told how.
    const isFailure = ending.kind === "threw" && stopped === undefined;
    const about = { action: request.action, attempt: request.attempt };
    const told = isFailure ? { kind: ending.kind, error: faults.ofHandler(ending.error, request.id, about) } : ending;
    const result = phase.name === "leased" ? storable(told, options.valueLength) : told;
    const decision = decide(result, { claim, stopped, retry, quarantineAfter: options.quarantineAfter, random });
    // Told to stop, what it threw is how it stopped: the decision says why.
    const failure: Ending = stopped === undefined ? (isFailure ? ending : result) : { kind: "abandoned" };
    faults.failed(failure, decision, { requestId: request.id, ...about });
    return decision;
  }

  /**
   * Begins it under its lease. One that was asked for so long ago that another process may have taken the request back is
   * renewed first: what is another's by now does not run here as well (P3).
   */
  function beginHeld(claim: Claim, read: Read): Awaitable<void> {
    return clock.monotonic() - read.since < options.leaseMs ? begin(claim, read) : beginRenewed(claim, read);
  }

  async function beginRenewed(claim: Claim, read: Read): Promise<void> {
    const { lived } = await registry.beginning(async () => {
      const since = clock.monotonic();
      const held = await renew(claim);
      if (!held) slots.free(handlers.get(claim.action)!);
      return { lived: held && begin(held, { ...read, since }) };
    });
    return lived;
  }

  function begin(claim: Claim, { input, kind, since }: Read): Awaitable<void> {
    const handler = handlers.get(claim.action)!;
    const lived = registry.live(
      {
        key: claim.lease.key,
        handler,
        input,
        resumed: claim.checkpoint,
        begun: estimates.begin(kind ?? kindOf(handler, claim, input)),
        accepted: undefined,
        timeoutMs: claim.timeoutMs,
        request: {
          id: claim.requestId,
          action: claim.action,
          attempt: claim.lease.attempt,
          ...claim.owner,
          permissions: claim.permissions,
          metadata: claim.metadata,
        },
        phase: { name: "leased", claim, since },
      },
      owner,
    );
    if (claim.cancelRequested) cancel(claim.lease.key);
    return lived;
  }

  /** What a run stores is not refused at its end: it does not begin when there is no room for more (P14). */
  async function refusalByStorage(requestId: string, whose: Owner): Promise<StreamerError | undefined> {
    try {
      const full = await requests.full(whose, options.admission);
      return full && storageFull(requestId, full, { most: options.admission, now: clock.now() });
    } catch (error) {
      // The end of the run meets the same store.
      log.warn({ request_id: requestId, err: asError(error) }, "how much is stored is not known; it goes on");
      return undefined;
    }
  }

  async function startClaimed(claim: Claim, since: number): Promise<void> {
    const { lived } = await registry.beginning(async () => {
      const refused = await refusalByStorage(claim.requestId, claim.owner);
      const input = refused ? { invalid: refused } : inputOf(handlers.get(claim.action)!, claim);
      return { lived: beginHeld(claim, { input: input instanceof Promise ? await input : input, kind: undefined, since }) };
    });
    return lived;
  }

  /** Tells a durable run of this process that cancellation was asked for. */
  function cancel(key: RequestKey): void {
    const run = registry.find(key);
    if (run?.phase.name === "leased") registry.stop(run, "cancelled");
  }

  return {
    ...atOnce,
    slots,
    cancel,
    get running(): number {
      return registry.running;
    },
    get abandoned(): number {
      return registry.abandoned;
    },
    isAlive: registry.isAlive,
    idle: registry.idle,
    beginning: registry.beginning,
    /** Claims what fits the free slots (or `key` alone), and begins its runs. */
    claim: (
      key?: RequestKey,
    ): Promise<{ readonly claimed: number; /** Resolves when those runs have ended. */ readonly ended: Promise<void> }> =>
      registry.beginning(async () => {
        const since = clock.monotonic();
        const claims = await slots.claim(key);
        return { claimed: claims.length, ended: Promise.all(claims.map((claim) => startClaimed(claim, since))).then(() => undefined) };
      }),
    /** Begins the run of a request that came by just now, in the slot reserved for it. Resolves when it has ended. `since`: see life.ts. */
    start: (claim: Claim, { input, kind }: AcceptedRequest, since: number): Awaitable<void> =>
      beginHeld(claim, { input: { value: input }, kind, since }),
    /** Tells a run that is answered at once to stop, unless `check` throws for its handler; false when there is none under the key. */
    async cancelAnswer(key: RequestKey, check: (handler: AnyHandler) => void): Promise<boolean> {
      const run = registry.find(key);
      if (run?.phase.name === "promoting") await run.phase.promotion;
      if (run?.phase.name !== "answering") return false;
      check(run.terms.handler);
      registry.stop(run, "cancelled");
      return true;
    },
    /** Tells every run to stop, then gives up on those that do not within `graceMs`. Resolves when all have ended. */
    stopAll: (graceMs: number): Promise<void> => registry.stopAll(graceMs, "are over", () => "shutting_down"),
    /** The same, but that a run without a checkpoint has used up its time (see Streamer.handBack). */
    handBack: (graceMs: number, requireCheckpoint: boolean): Promise<void> =>
      registry.stopAll(graceMs, "go on", (run) => registry.whyHandedBack(run, requireCheckpoint)),
  };
}

/** A stored payload is read by the handler of today. */
function inputOf(handler: AnyHandler, { action, payload, damage }: Claim): RunTerms["input"] | Promise<RunTerms["input"]> {
  if (damage) return { invalid: damage };
  const read = (validated: Validated): RunTerms["input"] => {
    if (validated.ok) return { value: validated.input };
    const { message, details } = describeIssues(action, validated.issues);
    return { invalid: new Fatal(message, { code: "VALIDATION_ERROR", details }) };
  };
  try {
    const validated = validate(handler.input, payload);
    return validated instanceof Promise ? validated.then(read).catch((error: unknown) => ({ invalid: asError(error) })) : read(validated);
  } catch (error) {
    return { invalid: asError(error) };
  }
}

const kindOf = (handler: AnyHandler, { action, payload }: Claim, input: RunTerms["input"]) => ({
  action,
  size: sizeClass(payload),
  declaredMs: "value" in input ? declaredMs(handler, input.value) : undefined,
});
