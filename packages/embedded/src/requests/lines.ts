/**
 * Where waiting requests wait.
 *
 *   lane      tenants share it by turns (contest.ts)
 *   action    a row of lines, the tenants' seats in it     at its total: frozen, and passed over as one
 *   line      a row of places, the users' seats in it      at its tenant's limit: set aside until a run of it ends
 *   place     one user's requests of one action
 */
import { hasWaitedLonger, isMoreUrgent, type Told } from "@streamer/core";
import {
  count,
  createContest,
  createSeats,
  join,
  keepPlace,
  newShare,
  part,
  rise,
  sit,
  type Contest,
  type Row,
  type Seat,
  type Share,
} from "./contest.ts";
import { createHeap, type Heap, type HeapItem } from "./heap.ts";
import { createLadder, type Ladder } from "./ladder.ts";

export interface Waiting {
  readonly id: number;
  readonly action: string;
  readonly tenant: string;
  readonly user: string;
  readonly priority: number;
  /** Epoch ms. */
  readonly runAt: number;
  /** Monotonic ms: due then, whatever the wall clock says; -Infinity is at once. Absent: due at `runAt`. */
  readonly dueAt?: number;
  /** How often the process has died while it ran: it may be what kills it (backlog.ts). */
  readonly deaths?: number;
  /** What its followers know of why it waits. */
  told?: Told;
}

export type Lane = Contest<Tenant>;
export interface Tenant extends Share {
  readonly users: Contest<User>;
}
export interface User extends Share {
  /** How often in a row another request went before the one that has waited longest. */
  passed: number;
}
export interface Action extends Row {
  readonly name: string;
  lane: Lane;
  readonly lines: Map<string, Line>;
  readonly ladder: Ladder;
  running: number;
  waiting: number;
  /** A claim found it at its total while others waited; so it stays until none does. */
  isHeld: boolean;
  /** The line that was left by all last, kept until another is: often it is the next that somebody comes to. */
  spare: Line | undefined;
  /** Lines at their tenant's limit, and which limit that is. */
  readonly aside: Set<Line>;
  perTenant: number;
}
/** A tenant's seat in the row of an action, and the row of its users there. */
export interface Line extends Seat {
  readonly action: Action;
  tenant: Tenant;
  readonly users: Row;
  readonly places: Map<string, UserPlace>;
  readonly ladder: Ladder;
  state: "empty" | "seated" | "aside";
  running: number;
  waiting: number;
  /** Scheduled, waiting and running: with none left the line is forgotten. */
  members: number;
}
export interface UserPlace extends Seat {
  readonly line: Line;
  user: User;
  readonly byUrgency: Heap<Entry>;
  /** Kept only while requests of several priorities wait: else age and urgency agree. */
  byAge: Heap<Aged> | undefined;
  /** By priority. */
  readonly counts: number[];
  waiting: number;
}
export interface Entry extends Waiting, HeapItem {
  line: Line;
  /** held: it is due, and lets another suspect go first. */
  stage: "later" | "held" | "due";
  aged: Aged | undefined;
}
interface Aged extends HeapItem {
  readonly entry: Entry;
}

const newTenant = (name: string): Tenant => ({ ...newShare(name), users: createContest<User>() });
const newUser = (name: string): User => ({ ...newShare(name), passed: 0 });

export function createAction(name: string, lane: Lane): Action {
  const action: Action = {
    name,
    lane,
    seats: createSeats(),
    isFrozen: () => action.isHeld,
    lines: new Map(),
    ladder: createLadder(),
    running: 0,
    waiting: 0,
    isHeld: false,
    spare: undefined,
    aside: new Set(),
    perTenant: Infinity,
  };
  return action;
}

/** The tenant's line, with a member more. */
export function joinLine(action: Action, tenant: string): Line {
  let line = action.lines.get(tenant);
  if (!line) action.lines.set(tenant, (line = createLine(action, join(action.lane, tenant, newTenant))));
  if (line === action.spare) action.spare = undefined;
  line.members += 1;
  return line;
}

export function partLine(line: Line): void {
  line.members -= 1;
  if (line.members > 0) return;
  const { action } = line;
  const { spare } = action;
  action.spare = line;
  if (!spare) return;
  action.lines.delete(spare.tenant.name);
  part(action.lane, spare.tenant);
}

function createLine(action: Action, tenant: Tenant): Line {
  const line: Line = {
    action,
    tenant,
    row: action,
    users: { seats: createSeats(), isFrozen: () => line.state === "aside" || action.isHeld },
    places: new Map(),
    ladder: createLadder(),
    state: "empty",
    running: 0,
    waiting: 0,
    members: 0,
    turn: 0,
    since: 0,
    slot: 0,
  };
  return line;
}

const createPlace = (line: Line, user: User): UserPlace => ({
  line,
  user,
  row: line.users,
  byUrgency: createHeap<Entry>(isMoreUrgent),
  byAge: undefined,
  counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  waiting: 0,
  turn: 0,
  since: 0,
  slot: 0,
});

export function wait(entry: Entry): void {
  const { line, user } = entry;
  let place = line.places.get(user);
  if (!place) {
    line.places.set(user, (place = createPlace(line, join(line.tenant.users, user, newUser))));
    sit(line.tenant.users, place.user, place);
  }
  countIn(place, entry, 1);
  place.byUrgency.push(entry);
  if (place.byAge) age(place.byAge, entry);
  else if (place.counts[entry.priority]! < place.waiting) {
    place.byAge = createHeap<Aged>((a, b) => hasWaitedLonger(a.entry, b.entry));
    for (const one of place.byUrgency.items) age(place.byAge, one);
  }
  if (line.state === "empty") seatLine(line);
}

export function waitNoMore(entry: Entry): void {
  const { line } = entry;
  const { action, tenant } = line;
  const place = line.places.get(entry.user)!;
  countIn(place, entry, -1);
  place.byUrgency.remove(entry);
  if (entry.aged) place.byAge!.remove(entry.aged);
  entry.aged = undefined;
  if (action.waiting === 0) action.isHeld = false;
  if (place.waiting > 0) return;
  line.places.delete(entry.user);
  rise(tenant.users, place.user, place);
  part(tenant.users, place.user);
  if (line.waiting > 0) return;
  if (line.state === "seated") rise(action.lane, tenant, line);
  action.aside.delete(line);
  line.state = "empty";
}

function countIn(place: UserPlace, { priority }: Entry, by: 1 | -1): void {
  const { line, user } = place;
  const { action, tenant } = line;
  count(action.lane.ladder, tenant, by);
  count(tenant.users.ladder, user, by);
  count(action.ladder, line, by);
  count(line.ladder, place, by);
  place.counts[priority]! += by;
  action.waiting += by;
}

function age(byAge: Heap<Aged>, entry: Entry): void {
  entry.aged = { entry, slot: 0 };
  byAge.push(entry.aged);
}

export const oldestIn = ({ byAge, byUrgency }: UserPlace): Entry => byAge?.head?.entry ?? byUrgency.head!;

function seatLine(line: Line): void {
  line.state = "seated";
  sit(line.action.lane, line.tenant, line);
}

export function setAside(line: Line): void {
  rise(line.action.lane, line.tenant, line);
  line.state = "aside";
  line.action.aside.add(line);
}

export function bringBack(line: Line): void {
  line.action.aside.delete(line);
  seatLine(line);
}

/** Moves an action to the lane it is claimed in: nobody has had a turn there for it. */
export function moveAction(action: Action, lane: Lane): void {
  for (const line of action.lines.values()) {
    const { tenant: before, since } = line;
    if (line.state === "seated") rise(action.lane, before, line);
    const tenant = join(lane, before.name, newTenant);
    for (const place of line.places.values()) movePlace(place, action.lane, [lane, tenant]);
    part(action.lane, before);
    line.tenant = tenant;
    if (line.state !== "seated") continue;
    sit(lane, tenant, line);
    keepPlace(line, since);
  }
  action.lane = lane;
}

function movePlace(place: UserPlace, before: Lane, [lane, tenant]: readonly [Lane, Tenant]): void {
  const { since, line, user: was } = place;
  rise(line.tenant.users, was, place);
  const user = join(tenant.users, was.name, newUser);
  for (let n = place.waiting; n > 0; n -= 1) {
    count(before.ladder, line.tenant, -1);
    count(line.tenant.users.ladder, was, -1);
    count(lane.ladder, tenant, 1);
    count(tenant.users.ladder, user, 1);
  }
  part(line.tenant.users, was);
  place.user = user;
  sit(tenant.users, user, place);
  keepPlace(place, since);
}
