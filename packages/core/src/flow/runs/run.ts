/**
 * One run of one handler, from its beginning to its end. Its phase says what it may use (life.ts); its signal, its
 * reporter and its context are made when they are first used, so that an answer given at once pays for nothing else.
 */
import { Stopped, type StopReason } from "../../errors.ts";
import type { AnyHandler, RunningRequest } from "../../handler.ts";
import type { JsonValue } from "@streamer/protocol";
import type { Lease, RequestKey } from "../../ports/requests.ts";
import { DEFAULT_BATCHING } from "../../rules/batching.ts";
import type { Course, TimeSpent } from "../../rules/course.ts";
import type { Ending } from "../../rules/outcome.ts";
import { Reporter, type Reporting, type ReporterPorts } from "../report/reporter.ts";
import type { AcceptedRequest } from "../accepted.ts";
import type { RunKind } from "../../rules/run-series.ts";
import type { BegunRun, KnownPace } from "../learn.ts";
import { move, type LifeEvent, type Phase } from "./life.ts";

export interface RunTerms {
  readonly key: RequestKey;
  readonly handler: AnyHandler;
  readonly request: RunningRequest;
  /** The validated input, or the error that stands for a payload that is not valid any more. */
  readonly input: { readonly value: unknown } | { readonly invalid: Error };
  /** The checkpoint of an earlier attempt. */
  readonly resumed: JsonValue | undefined;
  readonly begun: BegunRun;
  /** The request it was begun for; undefined for one that was claimed from the queue. */
  readonly accepted: AcceptedRequest | undefined;
  /** Monotonic ms. */
  readonly startedAt: number;
  readonly timeoutMs: number;
  /** Longest it may go on in this process. */
  readonly lifeMs: number;
  readonly phase: Phase;
}

/** What a run asks of the registry. */
export interface RunOwner {
  readonly reporterPorts: ReporterPorts;
  recorded: (run: Run, aboveMs: number) => ReturnType<Reporting["recorded"]>;
  paceOf: (kind: RunKind) => KnownPace;
  makeDurable: (run: Run) => Promise<Lease>;
  stop: (run: Run, reason: StopReason) => void;
}

/** What a handler is called for: a run, or what becomes one once the handler needs it. */
export interface Call extends Pick<RunTerms, "handler" | "input"> {
  readonly stopped: StopReason | undefined;
  readonly terms: Pick<RunTerms, "request" | "resumed">;
  readonly run: Run;
}

/** A request that is answered at once, until its handler returns or first needs a run: most never do. */
export class FirstTurn implements Call {
  readonly handler: AnyHandler;
  readonly input: RunTerms["input"];
  readonly stopped = undefined;
  readonly #begin: () => RunTerms;
  readonly #register: (terms: RunTerms) => Run;
  #terms: RunTerms | undefined;
  #run: Run | undefined;

  constructor({ handler, input }: AcceptedRequest, begin: () => RunTerms, register: (terms: RunTerms) => Run) {
    this.handler = handler;
    this.input = { value: input };
    this.#begin = begin;
    this.#register = register;
  }

  get terms(): RunTerms {
    return (this.#terms ??= this.#begin());
  }

  get run(): Run {
    return (this.#run ??= this.#register(this.terms));
  }

  get isRun(): boolean {
    return this.#run !== undefined;
  }
}

export class Run implements Call {
  readonly terms: RunTerms;
  readonly handler: AnyHandler;
  readonly input: RunTerms["input"];
  /** Monotonic ms, as are the two below. */
  readonly timesOutAt: number;
  readonly lifeEndsAt: number;
  /** When this process stops waiting for a handler that was told to stop. */
  givesUpAt = Infinity;
  stopped: StopReason | undefined;
  /** Why the store has not taken it, when it was to be promoted. */
  refusal: Error | undefined;
  #phase: Phase;
  /** Monotonic ms at which its lease was asked for, once it has one. */
  #leasedAt: number;
  #pace: KnownPace | undefined;
  #controller: AbortController | undefined;
  #reporter: Reporter | undefined;
  #giveUp: ((ending: Ending) => void) | undefined;
  readonly #owner: RunOwner;

  constructor(terms: RunTerms, owner: RunOwner) {
    this.terms = terms;
    this.handler = terms.handler;
    this.input = terms.input;
    this.timesOutAt = terms.startedAt + terms.timeoutMs;
    this.lifeEndsAt = terms.startedAt + terms.lifeMs;
    this.#phase = terms.phase;
    this.#leasedAt = terms.phase.name === "leased" ? terms.phase.since : terms.startedAt;
    this.#owner = owner;
  }

  get run(): this {
    return this;
  }

  get phase(): Phase {
    return this.#phase;
  }

  become(event: LifeEvent, to: Phase): void {
    this.#phase = move(this.#phase, event, to);
    if (to.name !== "leased") return;
    this.#leasedAt = to.since;
    this.#reporter?.lease(to.claim.lease, to.since);
  }

  /** The lease of a durable run. */
  get lease(): Lease | undefined {
    return this.#phase.name === "leased" || this.#phase.name === "settling" ? this.#phase.claim.lease : undefined;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.stopped) this.#controller.abort(new Stopped(this.stopped));
    }
    return this.#controller.signal;
  }

  get reporter(): Reporter {
    if (!this.#reporter) {
      this.#reporter = new Reporter(this.#owner.reporterPorts, this.#reporting());
      if (this.lease) this.#reporter.lease(this.lease, this.#leasedAt);
    }
    return this.#reporter;
  }

  /** Renews its lease unless a write did so within `withinMs`. A run that has said nothing yet has no other writer. */
  renew(withinMs: number): void {
    if (this.#reporter || this.#owner.reporterPorts.clock.monotonic() - this.#leasedAt >= withinMs) this.reporter.renew(withinMs);
  }

  get hasCheckpointed(): boolean {
    return this.#reporter?.hasCheckpointed ?? false;
  }

  /** By which course it told how far it is; undefined when it reported nothing, or none was known. */
  get course(): Course | undefined {
    return this.#pace?.course;
  }

  /** Where its time went, until now; undefined when it reported nothing. */
  get timeSpent(): TimeSpent | undefined {
    return this.#reporter?.timeSpent;
  }

  /** Tells the handler to stop; the first reason counts. */
  tellToStop(reason: StopReason): boolean {
    if (this.stopped) return false;
    this.stopped = reason;
    this.#controller?.abort(new Stopped(reason));
    return true;
  }

  makeDurable(): Promise<Lease> {
    return this.#owner.makeDurable(this);
  }

  /** How it ends: as its execution does, or given up on. */
  endOf(execution: Promise<Ending>): Promise<Ending> {
    return new Promise((resolve) => {
      this.#giveUp = resolve;
      void execution.then(resolve);
    });
  }

  giveUp(): void {
    this.#giveUp?.({ kind: "abandoned" });
  }

  #reporting(): Reporting {
    const { handler, startedAt, resumed, begun } = this.terms;
    const { course, lateBy } = (this.#pace = this.#owner.paceOf(begun));
    return {
      batching: { ...DEFAULT_BATCHING, ...handler.progress },
      startedAt,
      isResumed: resumed !== undefined,
      percentages: handler.percentages ?? "work",
      course,
      lateBy,
      recorded: (aboveMs) => this.#owner.recorded(this, aboveMs),
      acquireLease: () => this.makeDurable(),
      onLost: () => this.#owner.stop(this, "lease_lost"),
      onCancelRequested: () => this.#owner.stop(this, "cancelled"),
    };
  }
}
