/** Starts a handler: its signal, its reporter and its execution, tied together. Sync and queued runs start the same. */
import type { JsonValue } from "@streamer/protocol";
import type { AnyHandler, RunningRequest } from "../handler.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lease, RequestKey } from "../ports/requests.ts";
import type { Ending } from "../rules/outcome.ts";
import type { RunKind } from "../rules/run-series.ts";
import type { Execute } from "./execute.ts";
import type { BegunRun, Estimates } from "./learn.ts";
import type { Reporter } from "./report.ts";

export interface Launched {
  /** Monotonic ms. */
  readonly startedAt: number;
  readonly begun: BegunRun;
  readonly controller: AbortController;
  readonly reporter: Reporter;
  readonly execution: Promise<Ending>;
}

interface LaunchTerms {
  readonly handler: AnyHandler;
  readonly key: RequestKey;
  readonly request: RunningRequest;
  readonly kind: RunKind;
  /** The validated input, or the error that stands for a payload that is not valid (any more). */
  readonly input: { readonly value: unknown } | { readonly invalid: Error };
  readonly resumed: JsonValue | undefined;
  /** The lease of a queued run; a sync run starts without. */
  readonly lease?: Lease;
  readonly acquireLease: () => Promise<Lease>;
}

export type Launch = (terms: LaunchTerms) => Launched;
export type MakeReporter = (terms: Pick<LaunchTerms, "handler" | "key" | "kind" | "acquireLease">, controller: AbortController) => Reporter;

export interface LaunchParts {
  readonly execute: Execute;
  readonly makeReporter: MakeReporter;
  readonly clock: Pick<Clock, "monotonic">;
  readonly begin: Estimates["begin"];
}

export function createLaunch({ execute, makeReporter, clock, begin }: LaunchParts): Launch {
  return (terms) => {
    const startedAt = clock.monotonic();
    const { handler, key, request, kind, input, resumed, lease, acquireLease } = terms;
    const begun = begin(kind);
    const controller = new AbortController();
    const reporter = makeReporter(terms, controller);
    if (lease) reporter.attach(lease);
    const execution: Promise<Ending> =
      "invalid" in input
        ? Promise.resolve({ kind: "threw", error: input.invalid })
        : execute({ handler, input: input.value, key, request, signal: controller.signal, reporter, resumed, ensureDurable: acquireLease });
    return { startedAt, begun, controller, reporter, execution };
  };
}
