/**
 * RequestQueue on DynamoDB: the verbs, by what they need. submissions: nothing yet. claims: a waiting request.
 * leased-writes: the lease. interventions: neither. readings: no change of state. waits: what has not begun.
 */
import type { Requests } from "@streamer/core";
import { createClaim } from "./claims.ts";
import { createEventLog } from "./event-log.ts";
import { createInterventions, type Interventions } from "./interventions.ts";
import { createLeasedWrites } from "./leased-writes.ts";
import { createMove } from "./moves.ts";
import { createReadings } from "./readings.ts";
import type { Store } from "./store.ts";
import { createSubmit } from "./submissions.ts";
import { createTransitions } from "./transitions.ts";
import { createWaits } from "./waits.ts";

/** The port, and what the sweep and the wakeups ask beside it. */
export type DynamoRequests = Requests &
  Pick<Interventions, "endLeases"> &
  Pick<ReturnType<typeof createReadings>, "dueBetween" | "stale" | "hasWaiting">;

export function createRequests(store: Store): DynamoRequests {
  const log = createEventLog(store.events.table, store.clock, store.values);
  const transitions = createTransitions(log, store.limits, () => store.clock.now());
  const move = createMove(store, transitions);
  const readings = createReadings(store);
  return {
    submit: createSubmit(store, log),
    claim: createClaim(store),
    ...createLeasedWrites(store, log, transitions, move),
    ...createInterventions(store, log, transitions, move),
    ...createWaits(store, log, readings.stale),
    ...readings,
  };
}
