/**
 * Work that is done again and again. A loop survives any failure of a round and is watched, so that one that stopped
 * doing its work is found by its name and not by what is missing:
 *
 *             nudge, or its time           round ended
 *   ┌─ resting ────────────────> going ────────────────────> resting, until nudged or for `everyMs`
 *   │     ^                       │  │
 *   │     │ its time              │  └─ nudged meanwhile ──> going
 *   │   backing off <──── failed ─┘
 *   └──────────── stop, in any phase ──────────────────────> stopped
 *
 * L1 There is never more than one round of a loop at a time: the next begins after this one has ended.
 * L2 No failure ends a loop: the next round comes after a pause that doubles, and a nudge does not shorten it.
 * L3 A round that has not ended within `boundMs` is told: by the log, once, and by `condition` for as long as it lasts.
 */
import { asError } from "./errors.ts";
import type { Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";

export interface LoopParts {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly log: Pick<Log, "error"> & Partial<Pick<Log, "info">>;
  /** Names it in the log and in what the server says of its health. */
  readonly name: string;
  readonly round: () => unknown;
  /** The pause between two rounds. Absent: a round begins when the loop is nudged, and at no other time. */
  readonly everyMs?: number;
  /** A round that takes longer than this is stuck. */
  readonly boundMs: number;
}

export type LoopCondition =
  | { readonly state: "working" }
  /** Every round since then has failed. */
  | { readonly state: "failing"; readonly forMs: number; readonly failures: number; readonly error: Error }
  /** A round has not ended within its bound. */
  | { readonly state: "stuck"; readonly forMs: number };

export interface Loop {
  readonly name: string;
  readonly condition: LoopCondition;
  /** How long ago a round last ended well; undefined when none has. */
  readonly succeededMsAgo: number | undefined;
  /** Asks for a round: now, or as soon as the one under way has ended. */
  nudge(): void;
  /** No further round begins. */
  stop(): void;
}

type Phase =
  | { readonly name: "resting"; readonly callOff?: () => void }
  | { readonly name: "going"; readonly since: number; again: boolean; isTold: boolean }
  | { readonly name: "backing off"; readonly callOff: () => void }
  | { readonly name: "stopped" };

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** `everyMs` says when the first round begins, too. */
export function createLoop({ clock, log, name, round, everyMs, boundMs }: LoopParts): Loop {
  const longestPauseMs = Math.max(everyMs ?? 0, LONGEST_PAUSE_MS);
  let phase: Phase = { name: "resting" };
  let failing: { readonly since: number; readonly failures: number; readonly error: Error } | undefined;
  let succeededAt: number | undefined;
  let isWatching = false;
  // Asked for anew each time: the phase changes while a round is awaited.
  const current = (): Phase => phase;

  const rest = (): void => {
    phase = everyMs === undefined ? { name: "resting" } : { name: "resting", callOff: clock.after(everyMs, begin) };
  };

  /** One timer however many rounds there are: it looks at whichever is under way when it rings. */
  const watch = (ms: number): void => {
    if (isWatching) return;
    isWatching = true;
    clock.after(ms, () => {
      isWatching = false;
      if (phase.name !== "going" || phase.isTold) return;
      const tookMs = clock.monotonic() - phase.since;
      if (tookMs < boundMs) return watch(boundMs - tookMs);
      phase.isTold = true;
      log.error({ loop: name, for_ms: Math.round(tookMs) }, "a round of a background loop does not end");
    });
  };

  // Whatever comes next is arranged first: a log that fails ends no loop either.
  const succeeded = ({ since, again, isTold }: Phase & { name: "going" }): void => {
    const failures = failing?.failures ?? 0;
    failing = undefined;
    succeededAt = clock.monotonic();
    const tookMs = Math.round(succeededAt - since);
    if (current().name !== "stopped") {
      if (again) begin();
      else rest();
    }
    if (failures > 0 || isTold) log.info?.({ loop: name, failures, took_ms: tookMs }, "a background loop works again");
  };

  const failed = (since: number, error: Error): void => {
    const failures = (failing?.failures ?? 0) + 1;
    failing = { since: failing?.since ?? since, failures, error };
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), longestPauseMs);
    if (current().name !== "stopped") phase = { name: "backing off", callOff: clock.after(pauseMs, begin) };
    log.error({ err: error, loop: name, failures, again_in_ms: pauseMs }, "a background loop failed; it is tried again");
  };

  async function go(going: Phase & { name: "going" }): Promise<void> {
    try {
      await round();
    } catch (error) {
      return failed(going.since, asError(error));
    }
    return succeeded(going);
  }

  function begin(): void {
    const going: Phase & { name: "going" } = { name: "going", since: clock.monotonic(), again: false, isTold: false };
    phase = going;
    watch(boundMs);
    void go(going);
  }

  rest();
  return {
    name,
    get condition(): LoopCondition {
      const now = clock.monotonic();
      if (phase.name === "going" && now - phase.since >= boundMs) return { state: "stuck", forMs: now - phase.since };
      return failing
        ? { state: "failing", forMs: now - failing.since, failures: failing.failures, error: failing.error }
        : { state: "working" };
    },
    get succeededMsAgo() {
      return succeededAt === undefined ? undefined : clock.monotonic() - succeededAt;
    },
    nudge() {
      if (phase.name === "going") phase.again = true;
      if (phase.name !== "resting") return;
      phase.callOff?.();
      begin();
    },
    stop() {
      if (phase.name === "resting" || phase.name === "backing off") phase.callOff?.();
      phase = { name: "stopped" };
    },
  };
}
