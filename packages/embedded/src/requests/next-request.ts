/** Which of the waiting requests goes next: a look at the first line of each action, and at one user's places. */
import { MAX_PASSED, hasWaitedLonger, heldBy, isEarlier, isMoreUrgent, type ClaimTerms } from "@streamer/core";
import { bringBack, oldestIn, setAside, type Action, type Entry, type Line, type User, type UserPlace } from "./lines.ts";
import type { Seat } from "./contest.ts";

export const admits = ({ action, running: perTenant }: Line, concurrency: ClaimTerms["concurrency"]): boolean =>
  heldBy({ total: action.running, perTenant }, concurrency[action.name]) === undefined;

/** The request to be taken, whose it is, and how often the oldest has been passed over once it is. */
export interface Next {
  readonly entry: Entry;
  readonly user: User;
  readonly passed: number;
}

export function nextRequest(actions: readonly Action[], concurrency: ClaimTerms["concurrency"]): Next | undefined {
  const line = nextLine(actions, concurrency);
  return line && nextOf(line, concurrency);
}

/** Of the actions that are not at their total, the line whose tenant's turn it is. */
function nextLine(actions: readonly Action[], concurrency: ClaimTerms["concurrency"]): Line | undefined {
  let next: Line | undefined;
  for (const action of actions) {
    if (action.waiting === 0) continue;
    const caps = concurrency[action.name];
    if (action.running >= (caps?.total ?? Infinity)) {
      action.isHeld = true;
      continue;
    }
    const line = firstOf(action, caps?.perTenant ?? Infinity);
    if (line && (!next || isEarlier(line, next))) next = line;
  }
  return next;
}

/** The first line that its tenant's limit does not hold; those before it are set aside. */
function firstOf(action: Action, perTenant: number): Line | undefined {
  if (perTenant !== action.perTenant) {
    action.perTenant = perTenant;
    for (const line of action.aside) bringBack(line);
  }
  for (let line = action.seats.head as Line | undefined; line; line = action.seats.head as Line | undefined) {
    if (line.running < perTenant) return line;
    setAside(line);
  }
  return undefined;
}

/**
 * In all the rows where it is the same turn of the line's tenant, it is the turn of one user, and of their most urgent
 * request, whatever it asks for.
 */
function nextOf(first: Line, concurrency: ClaimTerms["concurrency"]): Next {
  const isOpen = (line: Line): boolean =>
    line === first || (line.state === "seated" && !line.action.isHeld && !first.action.isHeld && admits(line, concurrency));
  let place = first.users.seats.head as UserPlace;
  for (const seat of first.tenant.seats as readonly Seat[] as readonly Line[]) {
    const other = seat.users.seats.head as UserPlace;
    if (isOpen(seat) && isEarlier(other, place)) place = other;
  }
  const { user } = place;
  let [urgent, oldest] = [place.byUrgency.head!, oldestIn(place)];
  for (const seat of user.seats as readonly Seat[] as readonly UserPlace[]) {
    if (seat === place || !isOpen(seat.line)) continue;
    if (isMoreUrgent(seat.byUrgency.head!, urgent)) urgent = seat.byUrgency.head!;
    if (hasWaitedLonger(oldestIn(seat), oldest)) oldest = oldestIn(seat);
  }
  const entry = user.passed >= MAX_PASSED ? oldest : urgent;
  return { entry, user, passed: entry === oldest ? 0 : user.passed + 1 };
}
