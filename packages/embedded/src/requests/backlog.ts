/**
 * Which requests wait and which run, mirrored in memory: the database stays the truth, this is read from it at start,
 * and what a write changed here is undone when the write is (undo-log.ts). With one writer per folder (P3) that is safe,
 * and it makes the frequent questions (who is next, how many are ahead, is a limit reached) cost no SQL.
 *
 *   scheduled ──due──> place of its user in the line of its (action, tenant) ──take──> running
 *
 * Who goes next is a matter of fair shares (lines.ts, next-request.ts): no claim looks at more than the first line of
 * each action, and a request behind a limit hides nobody. Whoever was charged a turn by a claim that is undone has it back.
 *
 * What runs while its process dies is not to blame for that, or only one of it is. Requests that have seen a second death
 * are suspects: one of them begins at a time, the next once it has ended or has run for a minute. So the one that kills its
 * process becomes a dead letter alone (P3), and those that ran beside it do not follow it.
 */
import {
  fairOrder,
  heldBy,
  isEarlier,
  type ClaimTerms,
  type Concurrency,
  type Contender,
  type Place as PlaceInLine,
  type QueueLimits,
} from "@streamer/core";
import type { UndoLog } from "../sqlite/undo-log.ts";
import { aheadOf, createContest, giveBackTurn, serve, turnsOf, weigh, type Share } from "./contest.ts";
import { createHeap } from "./heap.ts";
import {
  bringBack,
  createAction,
  joinLine,
  moveAction,
  partLine,
  wait,
  waitNoMore,
  type Action,
  type Entry,
  type Lane,
  type Line,
  type Tenant,
  type UserPlace,
  type Waiting,
} from "./lines.ts";
import { admits, nextRequest } from "./next-request.ts";

export interface Backlog {
  readonly waiting: number;
  /** The limit that a further request of the user would be over, if there is one. */
  limitReached(limits: QueueLimits, tenant: string, user: string): keyof QueueLimits | undefined;
  /** What a new request would wait for. Its position is counted as if all users who wait took turns from now on. */
  place(request: Omit<Waiting, "id" | "runAt">, caps: Concurrency | undefined, now: number): PlaceInLine;
  /** What a request waits for that waits here: as it was last told, or better where that is cheap to know. */
  placeOf(id: number, now: number): PlaceInLine | undefined;
  /** Those that are due, about in the order they came. */
  due(now: number): Iterable<DueRequest>;
  /** Sorted as they go, if nothing else comes. */
  inOrder(requests: readonly DueRequest[]): DueRequest[];
  nextRunAt(now: number): number | undefined;
  add(request: Waiting): void;
  /** It is no longer waiting, nor running. */
  drop(id: number): void;
  /** Marks it running, whether it waited here or not. */
  start(request: Pick<Waiting, "id" | "action" | "tenant">): void;
  /** Chooses what to run, and marks it running. */
  take(terms: Pick<ClaimTerms, "lanes" | "concurrency" | "weightOf">, now: number, only?: number): number[];
  readonly running: Iterable<number>;
}

/** What waits of one tenant, and of its users. */
interface Crowd {
  waiting: number;
  readonly users: Map<string, number>;
}

/** One that could run now. */
export type DueRequest = Waiting & { readonly line: { readonly running: number; readonly action: { readonly running: number } } };

const SUSPECT_AFTER = 2;
/** A suspect that has run so long is not what kills its process as it begins. */
const SUSPECTED_MS = 60_000;

const isSooner = (a: Entry, b: Entry) => a.runAt < b.runAt;
const isRipeSooner = (a: Entry, b: Entry) => a.dueAt! < b.dueAt!;
const alike = (): number => 1;

export function createBacklog({ note }: Pick<UndoLog, "note"> = { note: () => {} }, monotonic: () => number = () => 0): Backlog {
  const entries = new Map<number, Entry>();
  const running = new Map<number, Line>();
  /** Suspects that run, and since when, in monotonic ms. */
  const suspectsRunning = new Map<number, number>();
  const suspectsHeld = createHeap<Entry>(isSooner);
  let suspectsDue = 0;
  const actions = new Map<string, Action>();
  const crowds = new Map<string, Crowd>();
  /** By the names of their actions. What no claim has asked for yet is in one of its own. */
  const lanes = new Map<string, Lane>();
  const scheduled = createHeap<Entry>(isSooner);
  /** They wait for a while, not for a moment. */
  const ripening = createHeap<Entry>(isRipeSooner);
  const notDue = ({ dueAt }: Waiting) => (dueAt === undefined ? scheduled : ripening);

  const laneOf = (names: string): Lane => {
    let lane = lanes.get(names);
    if (!lane) lanes.set(names, (lane = createContest<Tenant>()));
    return lane;
  };

  const actionOf = (name: string): Action => {
    let action = actions.get(name);
    if (!action) actions.set(name, (action = createAction(name, laneOf(""))));
    return action;
  };

  /** The actions of a lane, which share its turns from now on. */
  const gather = (names: readonly string[]): readonly Action[] => {
    const lane = laneOf(names.join("\n"));
    return names.map((name) => {
      const action = actionOf(name);
      if (action.lane !== lane) moveAction(action, lane);
      return action;
    });
  };

  /** Into what it waits in. */
  const putIn = (entry: Entry): void => {
    if (entry.stage === "later") notDue(entry).push(entry);
    else if (entry.stage === "held") suspectsHeld.push(entry);
    else {
      if (isSuspect(entry)) suspectsDue += 1;
      wait(entry);
    }
  };

  const takeOut = (entry: Entry): void => {
    if (entry.stage === "later") notDue(entry).remove(entry);
    else if (entry.stage === "held") suspectsHeld.remove(entry);
    else {
      if (isSuspect(entry)) suspectsDue -= 1;
      waitNoMore(entry);
    }
  };

  const ripen = (entry: Entry, stage: Entry["stage"] = ripe(entry)): void => {
    takeOut(entry);
    entry.stage = stage;
    putIn(entry);
  };

  const letSuspectGo = (): void => {
    const next = suspectsHeld.head;
    if (!next || suspectsDue > 0) return;
    for (const since of suspectsRunning.values()) if (monotonic() - since < SUSPECTED_MS) return;
    ripen(next, "due");
  };

  const makeDue = (now: number): void => {
    for (let next = scheduled.head; next && next.runAt <= now; next = scheduled.head) ripen(next);
    for (let next = ripening.head; next && next.dueAt! <= monotonic(); next = ripening.head) ripen(next);
    letSuspectGo();
  };

  const countCrowd = ({ tenant, user }: Waiting, by: 1 | -1): void => {
    let crowd = crowds.get(tenant);
    if (!crowd) crowds.set(tenant, (crowd = { waiting: 0, users: new Map() }));
    crowd.waiting += by;
    const own = (crowd.users.get(user) ?? 0) + by;
    if (own > 0) crowd.users.set(user, own);
    else crowd.users.delete(user);
    if (crowd.waiting === 0) crowds.delete(tenant);
  };

  const enter = (entry: Entry): void => {
    entries.set(entry.id, entry);
    countCrowd(entry, 1);
    putIn(entry);
    note(() => leave(entry));
  };

  const leave = (entry: Entry): void => {
    entries.delete(entry.id);
    countCrowd(entry, -1);
    takeOut(entry);
    partLine(entry.line);
    note(() => {
      // The line may have been forgotten.
      entry.line = joinLine(actionOf(entry.action), entry.tenant);
      enter(entry);
    });
  };

  const run = (id: number, action: string, tenant: string, suspectedSince?: number): void => {
    const line = joinLine(actionOf(action), tenant);
    running.set(id, line);
    if (suspectedSince !== undefined) suspectsRunning.set(id, suspectedSince);
    line.running += 1;
    line.action.running += 1;
    note(() => end(id));
  };

  const end = (id: number): void => {
    const line = running.get(id)!;
    const suspectedSince = suspectsRunning.get(id);
    running.delete(id);
    suspectsRunning.delete(id);
    line.running -= 1;
    line.action.running -= 1;
    if (line.state === "aside") bringBack(line);
    partLine(line);
    note(() => run(id, line.action.name, line.tenant.name, suspectedSince));
  };

  const takeOne = (entry: Entry, passed: number, weightOf: (tenant: string) => number): number => {
    const { line } = entry;
    const { tenant, action } = line;
    const place = line.places.get(entry.user)!;
    const { user } = place;
    weigh(action.lane, tenant, weightOf(tenant.name));
    const before = { passed: user.passed, user: turnsOf(tenant.users, user), tenant: turnsOf(action.lane, tenant) };
    user.passed = passed;
    serve(tenant.users, user, place);
    // Set aside, it has no turn to take: a claim by key under another limit.
    const isSeated = line.state === "seated";
    if (isSeated) serve(action.lane, tenant, line);
    note(() => {
      if (isSeated) giveBackTurn(action.lane, [tenant, line], before.tenant);
      giveBackTurn(tenant.users, [user, place], before.user);
      user.passed = before.passed;
    });
    run(entry.id, entry.action, entry.tenant, isSuspect(entry) ? monotonic() : undefined);
    leave(entry);
    return entry.id;
  };

  const placeOfNew: Backlog["place"] = ({ action: name, tenant: tenantName, user: userName, priority }, caps, now) => {
    makeDue(now);
    const action = actionOf(name);
    const line = action.lines.get(tenantName);
    const reason = heldBy({ total: action.running, perTenant: line?.running ?? 0 }, caps);
    if (reason) {
      const place = line?.places.get(userName);
      const ahead = line ? aheadOf(line.ladder, place, place ? atLeast(place, priority) : 0) : 0;
      return { reason, position: reason === "tenant_concurrency" ? ahead : aheadOf(action.ladder, line, ahead) };
    }
    const tenant = action.lane.shares.get(tenantName);
    const user = tenant?.users.shares.get(userName);
    const own = user?.seats.reduce((sum, seat) => sum + atLeast(seat as UserPlace, priority), 0) ?? 0;
    const ahead = tenant ? aheadOf(tenant.users.ladder, user, own) : 0;
    return { reason: "queue", position: aheadOf(action.lane.ladder, tenant, ahead, ahead / (tenant?.weight ?? 1)) };
  };

  return {
    get waiting() {
      return entries.size;
    },
    limitReached: (limits, tenant, user) => {
      const crowd = crowds.get(tenant);
      if (entries.size >= limits.queued) return "queued";
      if ((crowd?.waiting ?? 0) >= limits.queuedPerTenant) return "queuedPerTenant";
      return (crowd?.users.get(user) ?? 0) >= limits.queuedPerUser ? "queuedPerUser" : undefined;
    },
    place: placeOfNew,
    placeOf: (id, now) => {
      makeDue(now);
      const entry = entries.get(id);
      if (!entry) return undefined;
      const { stage, dueAt, told } = entry;
      if (stage === "held") return { reason: "queue" };
      if (stage === "later") return { reason: dueAt === undefined || told?.reason === "scheduled" ? "scheduled" : "backoff" };
      const isOld = !told || told.reason === "scheduled" || told.reason === "backoff";
      const known: PlaceInLine = isOld ? { reason: "queue" } : told;
      const { reason, position = Infinity } = known;
      if (reason !== "queue") return { reason, ...(position < Infinity && { position }) };
      // One more of the same would come after it: at most what goes before that one, less it itself.
      return { reason, position: Math.min(position, Math.max(0, placeOfNew(entry, undefined, now).position! - 1)) };
    },
    *due(now) {
      makeDue(now);
      for (const entry of entries.values()) if (entry.stage === "due") yield entry;
    },
    inOrder: (requests) => {
      const contenders = new Map<Share, Contender>();
      const contender = (share: Share): Contender => {
        const known = contenders.get(share) ?? contenderOf(share);
        contenders.set(share, known);
        return known;
      };
      return fairOrder(requests as readonly Entry[], ({ line, user: name }) => {
        const { user } = line.places.get(name)!;
        return { tenant: contender(line.tenant), user: contender(user), passed: user.passed };
      });
    },
    nextRunAt: (now) => {
      makeDue(now);
      const [byWall, byTime] = [scheduled.head?.runAt, ripening.head && now + ripening.head.dueAt! - monotonic()];
      return byWall === undefined || byTime === undefined ? (byWall ?? byTime) : Math.min(byWall, byTime);
    },
    add: (request) => {
      const line = joinLine(actionOf(request.action), request.tenant);
      const stage = (request.dueAt ?? Infinity) <= monotonic() ? ripe(request) : "later";
      enter({ ...request, line, slot: 0, stage, aged: undefined });
    },
    drop: (id) => {
      const entry = entries.get(id);
      if (entry) leave(entry);
      if (running.has(id)) end(id);
    },
    start: ({ id, action, tenant }) => run(id, action, tenant),
    take: ({ lanes: wanted, concurrency, weightOf = alike }, now, only) => {
      makeDue(now);
      const taken: number[] = [];
      for (const { actions: names, free } of wanted) {
        if (free <= 0) continue;
        if (only !== undefined) {
          const entry = entries.get(only);
          const isFree = entry?.stage === "due" && names.includes(entry.action) && admits(entry.line, concurrency);
          if (isFree) taken.push(takeOne(entry, entry.line.places.get(entry.user)!.user.passed, weightOf));
          continue;
        }
        const row = gather(names);
        for (let left = free; left > 0; left -= 1) {
          const next = nextRequest(row, concurrency);
          if (!next) break;
          taken.push(takeOne(next.entry, next.passed, weightOf));
        }
      }
      return taken;
    },
    get running() {
      return running.keys();
    },
  };
}

const isSuspect = ({ deaths = 0 }: Waiting): boolean => deaths >= SUSPECT_AFTER;
const ripe = (request: Waiting): Entry["stage"] => (isSuspect(request) ? "held" : "due");

/** Of a user's requests in one place, those of this priority or a higher one. */
function atLeast({ counts }: UserPlace, priority: number): number {
  let sum = 0;
  for (let level = priority; level < counts.length; level += 1) sum += counts[level]!;
  return sum;
}

function contenderOf({ seats, turn, weight }: Share): Contender {
  let first: Pick<Contender, "turn" | "since"> = seats[0] ?? { turn, since: 0 };
  for (const seat of seats) if (isEarlier(seat, first)) first = seat;
  return { turn: first.turn, since: first.since, weight };
}
