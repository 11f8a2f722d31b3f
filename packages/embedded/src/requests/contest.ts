/**
 * One level of fair sharing (core/rules/fair-shares.ts) at any size: tenants in a lane, or users in a tenant.
 *
 *   share ──has a seat in──> the rows it waits in ──lowest turn first──> one of them is served ──> the share's next turn
 *
 * A share has one turn, whatever it waits for, and a seat in each row. Serving it moves its other seats, too, so that
 * nobody has more for asking for two things. Not in a frozen row, which is one that a limit holds up: there each keeps
 * its place until it is served there, or a tenant busy elsewhere would never come to the front of it.
 */
import { isEarlier, timeAfter, turnAfter, turnOfNewcomer } from "@streamer/core";
import { createHeap, type Heap, type HeapItem } from "./heap.ts";
import { createLadder, step, within, type Ladder } from "./ladder.ts";

export interface Share extends HeapItem {
  readonly name: string;
  weight: number;
  turn: number;
  readonly seats: Seat[];
  /** Its requests that wait here. */
  waiting: number;
  /** What keeps it from being forgotten. */
  members: number;
}

export interface Seat extends HeapItem {
  turn: number;
  since: number;
  readonly row: Row;
}

/** Seats in the order they are served. */
export interface Row {
  readonly seats: Heap<Seat>;
  readonly isFrozen: () => boolean;
}

export interface Contest<S extends Share> {
  time: number;
  /** The last turn given out. */
  latest: number;
  /** Of the shares that have a seat. */
  weights: number;
  readonly shares: Map<string, S>;
  /** Shares that wait for nothing, whose turn is still to come: asking again at once gains nothing. */
  readonly away: Heap<S>;
  readonly ladder: Ladder;
}

/** Tells who came first, whatever the contest. */
let sittings = 0;

export const createSeats = (): Heap<Seat> => createHeap<Seat>(isEarlier);

export const createContest = <S extends Share>(): Contest<S> => ({
  time: 0,
  latest: 0,
  weights: 0,
  shares: new Map(),
  away: createHeap<S>((a, b) => a.turn < b.turn),
  ladder: createLadder(),
});

export const newShare = (name: string): Share => ({ name, weight: 1, turn: 0, seats: [], waiting: 0, members: 0, slot: 0 });

/** The share of that name, with a member more. */
export function join<S extends Share>(contest: Contest<S>, name: string, make: (name: string) => S): S {
  let share = contest.shares.get(name);
  if (!share) contest.shares.set(name, (share = make(name)));
  else if (share.members === 0) contest.away.remove(share);
  share.members += 1;
  return share;
}

export function part<S extends Share>(contest: Contest<S>, share: S): void {
  share.members -= 1;
  if (share.members > 0) return;
  if (share.turn <= contest.time) contest.shares.delete(share.name);
  else contest.away.push(share);
}

export function sit<S extends Share>(contest: Contest<S>, share: S, seat: Seat): void {
  if (share.seats.length === 0) contest.weights += share.weight;
  share.seats.push(seat);
  seat.turn = turnOfNewcomer(share.turn, contest.time);
  seat.since = sittings += 1;
  seat.row.seats.push(seat);
}

/** Gives a seat that was moved here its place among those of the same turn. */
export function keepPlace(seat: Seat, since: number): void {
  seat.since = since;
  seat.row.seats.moved(seat);
}

export function rise<S extends Share>(contest: Contest<S>, share: S, seat: Seat): void {
  seat.row.seats.remove(seat);
  share.seats.splice(share.seats.indexOf(seat), 1);
  if (share.seats.length > 0) return;
  contest.weights -= share.weight;
  if (contest.weights > 1e-9) return;
  // Nobody waits: a contest that begins anew owes and asks nothing of anyone.
  contest.weights = 0;
  contest.time = Math.max(contest.time, contest.latest);
  forget(contest);
}

/** One request from that seat is taken. */
export function serve<S extends Share>(contest: Contest<S>, share: S, seat: Seat): void {
  const taken = seat.turn;
  share.turn = turnAfter(Math.max(share.turn, taken), contest.time, share.weight);
  contest.time = timeAfter(contest.time, taken, contest.weights);
  contest.latest = Math.max(contest.latest, share.turn);
  moveSeats(contest, share, seat);
  if (contest.away.size > 0) forget(contest);
}

interface Turns {
  readonly time: number;
  readonly turn: number;
}

export const turnsOf = <S extends Share>({ time }: Contest<S>, { turn }: S): Turns => ({ time, turn });

/** It was not taken after all; `before` is what was so before `serve`. */
export function giveBackTurn<S extends Share>(contest: Contest<S>, [share, seat]: readonly [S, Seat], before: Turns): void {
  contest.time = before.time;
  share.turn = before.turn;
  moveSeats(contest, share, seat);
}

function moveSeats<S extends Share>(contest: Contest<S>, share: S, served: Seat): void {
  for (const seat of share.seats) {
    if (seat !== served && seat.row.isFrozen()) continue;
    seat.turn = turnOfNewcomer(share.turn, contest.time);
    seat.since = sittings += 1;
    seat.row.seats.moved(seat);
  }
}

/** A weight may be chosen anew while the server runs. */
export function weigh<S extends Share>(contest: Contest<S>, share: S, weight: number): void {
  if (share.weight === weight) return;
  if (share.seats.length > 0) contest.weights += weight - share.weight;
  share.weight = weight;
}

export function count(ladder: Ladder, crowd: { waiting: number }, by: 1 | -1): void {
  step(ladder, by === 1 ? crowd.waiting + 1 : crowd.waiting, by);
  crowd.waiting += by;
}

/** Requests of all in the crowd that go before the one that has `own` of its own kind before it. */
export const aheadOf = (ladder: Ladder, crowd: { readonly waiting: number } | undefined, own: number, rounds = own): number =>
  own + within(ladder, rounds) - Math.min(Math.floor(rounds), crowd?.waiting ?? 0);

function forget<S extends Share>(contest: Contest<S>): void {
  for (let next = contest.away.head; next && next.turn <= contest.time; next = contest.away.head) {
    contest.away.pop();
    contest.shares.delete(next.name);
  }
}
