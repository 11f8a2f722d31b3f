/**
 * Slots: how many runs go on at once in this process, inline and in worker processes, however their requests came: one
 * answered at once takes a slot as one from the queue does. A submit may claim its own request in the same write, while
 * nothing waits before it.
 */
import type { AnyHandler } from "../../handler.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Claim, ClaimTerms, RequestKey, WaitTerms } from "../../ports/requests.ts";
import { weigher } from "../../rules/fair-shares.ts";

export interface SlotsParts {
  readonly engine: Pick<Engine, "requests" | "isolation" | "log">;
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly options: Pick<StreamerOptions, "inlineSlots" | "takesQueued" | "leaseMs" | "shares">;
  /** Called when a slot is free that others may be waiting for. */
  readonly onSlotFree: () => void;
}

export interface Slots {
  /** Takes a slot for a run that begins now, if one is free; while a claim is under way, once it has left one. */
  take(handler: AnyHandler): boolean | Promise<boolean>;
  /** Takes a slot for a request about to be submitted, unless others wait for it. */
  reserve(handler: AnyHandler): boolean;
  free(handler: AnyHandler): void;
  /** Claims what fits the free slots (or `key` alone): each claim has its slot. */
  claim(key?: RequestKey): Promise<readonly Claim[]>;
  /** How many requests of this handler run at once; a process that runs none knows nothing of those that do. */
  of(handler: AnyHandler): number;
  /** The same by the name of an action, which may be one that this process does not know. */
  ofAction(action: string): number;
  /** What requests may have to wait for. */
  readonly terms: Omit<WaitTerms, "keys">;
  /** Claims nothing more. */
  close(): void;
}

type LaneName = "inline" | "isolated";
interface Lane {
  /** Of runs, and of those among them that come from the queue. */
  readonly size: number;
  readonly slots: number;
  readonly actions: string[];
  used: number;
  /** Requests may wait for this lane: until a claim says otherwise, a new one goes behind them. */
  backlog: boolean;
}

export function createSlots({ engine, handlers, options, onSlotFree }: SlotsParts): Slots {
  const { requests, isolation, log } = engine;
  const laneOf = (handler: AnyHandler): LaneName => (handler.isolate !== undefined && isolation ? "isolated" : "inline");
  // A start may find requests left by the process before.
  const createLane = (size: number): Lane => ({ size, slots: options.takesQueued ? size : 0, actions: [], used: 0, backlog: true });
  const lanes: Readonly<Record<LaneName, Lane>> = {
    inline: createLane(options.inlineSlots),
    isolated: createLane(isolation?.slots ?? 0),
  };
  for (const handler of handlers.values()) lanes[laneOf(handler)].actions.push(handler.action);
  const concurrency: ClaimTerms["concurrency"] = Object.fromEntries(
    Array.from(handlers.values()).flatMap(({ action, concurrency: caps }) => (caps ? [[action, caps]] : [])),
  );
  const weightOf = weigher(options.shares, (text) => log.error({}, text));
  let closed = false;

  function slotsOf(handler: AnyHandler): number {
    const { total = Infinity, perTenant = Infinity } = handler.concurrency ?? {};
    return Math.min(lanes[laneOf(handler)].slots || Infinity, total, perTenant);
  }

  /** Claims under way: they hold every free slot until it is known what they got. */
  let claiming: Promise<unknown> | undefined;

  function takeNow(handler: AnyHandler): boolean {
    const lane = lanes[laneOf(handler)];
    if (closed || lane.used >= lane.size) return false;
    lane.used += 1;
    return true;
  }

  async function takeAfter(claimed: Promise<unknown>, handler: AnyHandler): Promise<boolean> {
    await claimed;
    return takeNow(handler);
  }

  return {
    take: (handler) => takeNow(handler) || (claiming !== undefined && takeAfter(claiming, handler)),
    reserve(handler) {
      const lane = lanes[laneOf(handler)];
      if (closed || handler.concurrency || lane.backlog || lane.used >= lane.slots) {
        lane.backlog = true;
        return false;
      }
      return takeNow(handler);
    },
    free(handler) {
      const lane = lanes[laneOf(handler)];
      lane.used -= 1;
      // Others that wait for this lane may begin now, or those that a limit of this action held up.
      if (lane.backlog || handler.concurrency) onSlotFree();
    },
    of: slotsOf,
    ofAction(action) {
      const handler = handlers.get(action);
      return handler ? slotsOf(handler) : Infinity;
    },
    terms: { lanes: Object.values(lanes), concurrency },
    close() {
      closed = true;
    },
    async claim(key) {
      if (closed) return [];
      const open = Object.values(lanes).map((lane) => ({ lane, free: Math.max(0, lane.slots - lane.used) }));
      // Whoever asked for this may have brought requests that wait for a slot now.
      if (key === undefined) for (const { lane, free } of open) lane.backlog ||= free === 0;
      if (open.every(({ free }) => free === 0)) return [];
      // Taken before the claim is made, so that two claims at once cannot take the same slots.
      for (const { lane, free } of open) lane.used += free;
      let claims: readonly Claim[] = [];
      let isKnown = false;
      const { promise: claimed, resolve } = Promise.withResolvers<void>();
      claiming = claimed;
      try {
        claims = await requests.claim({
          leaseMs: options.leaseMs,
          lanes: open.map(({ lane, free }) => ({ actions: lane.actions, free })),
          concurrency,
          weightOf,
          ...(key !== undefined && { key }),
        });
        isKnown = true;
      } finally {
        for (const { lane, free } of open) {
          const taken = claims.filter(({ action }) => lane.actions.includes(action)).length;
          lane.used -= free - taken;
          if (key === undefined && free > 0) lane.backlog = !isKnown || taken === free;
        }
        if (claiming === claimed) claiming = undefined;
        resolve();
      }
      return claims;
    },
  };
}
