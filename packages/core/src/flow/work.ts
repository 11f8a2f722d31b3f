/**
 * Slots: how many queued requests this process runs at once, inline and in worker processes, and which it claims for
 * them. A submit may claim its own request in the same write, while nothing waits before it.
 */
import { asError, Fatal } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import type { Engine } from "../ports/engine.ts";
import type { Claim, ClaimTerms, RequestKey, WaitTerms } from "../ports/requests.ts";
import { declaredMs } from "../rules/estimates.ts";
import { weigher } from "../rules/fair-shares.ts";
import { sizeClass } from "../rules/input-size.ts";
import { describeIssues, validate } from "../rules/validation.ts";
import type { Launch } from "./launch.ts";
import type { LeasedRun } from "./process.ts";

export interface WorkParts {
  readonly engine: Pick<Engine, "requests" | "isolation" | "log">;
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly options: StreamerOptions;
  readonly launch: Launch;
  readonly adopt: (run: LeasedRun) => Promise<void>;
  readonly onSlotFree: () => void;
}

export interface Work {
  claim(key?: RequestKey): Promise<{ readonly claimed: number; readonly ended: Promise<void> }>;
  /** Takes a slot for a request about to be submitted, unless others wait for it. Give it to `run` or back to `free`. */
  reserve(handler: AnyHandler): boolean;
  free(handler: AnyHandler): void;
  /** Runs a claim in a slot taken before; resolves when it has ended. */
  run(claim: Claim): Promise<void>;
  /** How many requests of this handler run at once; a process that runs none knows nothing of those that do. */
  slots(handler: AnyHandler): number;
  /** The same by the name of an action, which may be one that this process does not know. */
  slotsOf(action: string): number;
  /** What requests may have to wait for. */
  readonly terms: Omit<WaitTerms, "keys">;
  /** Claims nothing more. */
  close(): void;
}

type LaneName = "inline" | "isolated";

export function createWork({ engine, handlers, options, launch, adopt, onSlotFree }: WorkParts): Work {
  const { requests, isolation, log } = engine;
  const laneOf = (handler: AnyHandler): LaneName => (handler.isolate !== undefined && isolation ? "isolated" : "inline");
  const lanes: Readonly<Record<LaneName, { readonly slots: number; readonly actions: string[]; used: number; backlog: boolean }>> = {
    // A start may find requests left by the process before: until a claim says otherwise, others may wait.
    inline: { slots: options.inlineSlots, actions: [], used: 0, backlog: true },
    isolated: { slots: isolation?.slots ?? 0, actions: [], used: 0, backlog: true },
  };
  for (const handler of handlers.values()) lanes[laneOf(handler)].actions.push(handler.action);
  const concurrency: ClaimTerms["concurrency"] = Object.fromEntries(
    Array.from(handlers.values()).flatMap(({ action, concurrency: caps }) => (caps ? [[action, caps]] : [])),
  );
  const weightOf = weigher(options.shares, (text) => log.error({}, text));
  let closed = false;

  function slotsFor(handler: AnyHandler): number {
    const { total = Infinity, perTenant = Infinity } = handler.concurrency ?? {};
    return Math.min(lanes[laneOf(handler)].slots || Infinity, total, perTenant);
  }

  function free(handler: AnyHandler): void {
    lanes[laneOf(handler)].used -= 1;
    onSlotFree();
  }

  async function run(claim: Claim): Promise<void> {
    const handler = handlers.get(claim.action)!;
    try {
      const validated = await validate(handler.input, claim.payload);
      const issues = validated.ok ? undefined : describeIssues(claim.action, validated.issues);
      const launched = launch({
        handler,
        key: claim.lease.key,
        kind: {
          action: claim.action,
          size: sizeClass(claim.payload),
          declaredMs: validated.ok ? declaredMs(handler, validated.input) : undefined,
        },
        input: validated.ok
          ? { value: validated.input }
          : { invalid: new Fatal(issues!.message, { code: "VALIDATION_ERROR", details: issues!.details }) },
        resumed: claim.checkpoint,
        lease: claim.lease,
        acquireLease: () => Promise.resolve(claim.lease),
        request: {
          id: claim.requestId,
          action: claim.action,
          attempt: claim.lease.attempt,
          userId: claim.owner.userId,
          tenantId: claim.owner.tenantId,
          permissions: claim.permissions,
          metadata: claim.metadata,
        },
      });
      await adopt({ ...launched, claim, handler });
      // A run that was given up on may still be going: its slot is taken until it really ends.
      await launched.execution;
    } catch (error) {
      log.error(
        { request_id: claim.requestId, err: asError(error) },
        "a claimed request could not be started; it returns when its lease ends",
      );
    } finally {
      free(handler);
    }
  }

  return {
    free,
    run,
    slots: slotsFor,
    slotsOf: (action) => {
      const handler = handlers.get(action);
      return handler ? slotsFor(handler) : Infinity;
    },
    terms: { lanes: Object.values(lanes), concurrency },
    close() {
      closed = true;
    },
    reserve(handler) {
      const lane = lanes[laneOf(handler)];
      if (closed || handler.concurrency || lane.backlog || lane.used >= lane.slots) {
        lane.backlog = true;
        return false;
      }
      lane.used += 1;
      return true;
    },
    async claim(key) {
      if (closed) return { claimed: 0, ended: Promise.resolve() };
      const open = Object.values(lanes).map((lane) => ({ lane, free: Math.max(0, lane.slots - lane.used) }));
      // Taken before the claim is made, so that two claims at once cannot take the same slots.
      for (const { lane, free: slots } of open) lane.used += slots;
      let claims: readonly Claim[] = [];
      try {
        if (open.some(({ free: slots }) => slots > 0)) {
          claims = await requests.claim({
            leaseMs: options.leaseMs,
            lanes: open.map(({ lane, free: slots }) => ({ actions: lane.actions, free: slots })),
            concurrency,
            weightOf,
            ...(key !== undefined && { key }),
          });
        }
      } finally {
        for (const { lane, free: slots } of open) {
          const taken = claims.filter(({ action }) => lane.actions.includes(action)).length;
          lane.used -= slots - taken;
          if (key === undefined && slots > 0) lane.backlog = taken === slots;
        }
      }
      return { claimed: claims.length, ended: Promise.all(claims.map(run)).then(() => undefined) };
    },
  };
}
