/** What waits and what runs, by looking at all that has not ended. */
import { fairOrder, heldBy, type ClaimTerms, type Clock, type Concurrency, type Owner, type Place, type QueueLimits } from "@streamer/core";
import type { Data, Row } from "./data.ts";
import { contendersIn, createContest, takeNext, type Contest } from "./turns.ts";

export interface Queue {
  /** Those that wait. */
  waiting(): readonly Row[];
  /** The limit that a further request of the owner would be over, if there is one. */
  limitReached(limits: QueueLimits, owner: Owner): keyof QueueLimits | undefined;
  /** Those that could run now. */
  due(): readonly Row[];
  /** What holds a request of this action and tenant, if a limit does. */
  heldBy(row: Pick<Row, "action" | "owner">, caps: Concurrency | undefined): ReturnType<typeof heldBy>;
  /** Sorted as they go, if nothing else comes. */
  inOrder(rows: readonly Row[]): readonly Row[];
  /** What a request that is due, and is not among those that wait, would wait for. */
  place(row: Row, caps: Concurrency | undefined): Place;
  /** What a request that waits is known to wait for. */
  placeOf(row: Row): Place | undefined;
  /** Chooses what to run: the rows are as they were, their turns are taken. */
  take(terms: Pick<ClaimTerms, "lanes" | "concurrency" | "weightOf" | "key">, start: (row: Row) => void): void;
  nextRunAt(): number | undefined;
}

const alike = (): number => 1;

export function createQueue({ live }: Data, clock: Clock): Queue {
  const lanes = new Map<string, Contest>();
  const contestOf = (names: readonly string[]): Contest => {
    const name = names.join("\n");
    const contest = lanes.get(name) ?? createContest();
    lanes.set(name, contest);
    return contest;
  };
  const laneOf = (action: string): string | undefined => Array.from(lanes.keys()).find((names) => names.split("\n").includes(action));

  const waiting = (): Row[] => Array.from(live).filter(({ status }) => status !== "PROCESSING");
  const isDue = ({ dueAt, runAt }: Row): boolean => (dueAt === undefined ? runAt <= clock.now() : dueAt <= clock.monotonic());
  const due = (): Row[] => waiting().filter(isDue);

  function limitReached(limits: QueueLimits, { tenantId, userId }: Owner): keyof QueueLimits | undefined {
    const all = waiting();
    const ofTenant = all.filter(({ owner }) => owner.tenantId === tenantId);
    if (all.length >= limits.queued) return "queued";
    if (ofTenant.length >= limits.queuedPerTenant) return "queuedPerTenant";
    return ofTenant.filter(({ owner }) => owner.userId === userId).length >= limits.queuedPerUser ? "queuedPerUser" : undefined;
  }

  function held({ action, owner }: Pick<Row, "action" | "owner">, caps: Concurrency | undefined): ReturnType<typeof heldBy> {
    if (!caps) return undefined;
    const running = Array.from(live).filter((row) => row.status === "PROCESSING" && row.action === action);
    return heldBy({ total: running.length, perTenant: running.filter((row) => row.owner.tenantId === owner.tenantId).length }, caps);
  }

  function inOrder(rows: readonly Row[]): readonly Row[] {
    const lane = rows[0] && laneOf(rows[0].action);
    return fairOrder(rows, contendersIn(lane === undefined ? createContest() : lanes.get(lane)!));
  }

  function place(row: Row, caps: Concurrency | undefined): Place {
    const reason = held(row, caps) ?? "queue";
    const lane = laneOf(row.action);
    const others = due().filter((other) => {
      if (other === row) return false;
      if (reason === "queue") return laneOf(other.action) === lane;
      return other.action === row.action && (reason === "action_concurrency" || other.owner.tenantId === row.owner.tenantId);
    });
    return { reason, position: inOrder([...others, row]).indexOf(row) };
  }

  return {
    waiting,
    limitReached,
    due,
    heldBy: held,
    inOrder,
    place,
    placeOf: (row) => {
      if (row.endedAt !== undefined || row.status === "PROCESSING") return undefined;
      if (!isDue(row)) return { reason: row.dueAt === undefined || row.told?.reason === "scheduled" ? "scheduled" : "backoff" };
      const { told } = row;
      if (!told || told.reason === "scheduled" || told.reason === "backoff" || told.reason === "queue") {
        const { position } = place(row, undefined);
        return { reason: "queue", position: Math.min(position!, told?.reason === "queue" ? (told.position ?? Infinity) : Infinity) };
      }
      return { reason: told.reason, ...(told.position !== undefined && { position: told.position }) };
    },
    take: ({ lanes: wanted, concurrency, weightOf = alike, key }, start) => {
      for (const { actions, free } of wanted) {
        for (let left = free; left > 0; left -= 1) {
          const candidates = due().filter(
            (row) => actions.includes(row.action) && (key === undefined || row.key === key) && !held(row, concurrency[row.action]),
          );
          if (candidates.length === 0) break;
          start(takeNext(contestOf(actions), candidates, weightOf));
        }
      }
    },
    nextRunAt: () => {
      const times = waiting()
        .filter((row) => !isDue(row))
        .map(({ dueAt, runAt }) => (dueAt === undefined ? runAt : clock.now() + dueAt - clock.monotonic()));
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}
