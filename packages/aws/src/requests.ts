/**
 * RequestQueue on DynamoDB: the verbs, by what they need. submissions: nothing yet. claims: a waiting request.
 * leased-writes: the lease. interventions: neither. readings: no change of state. purges: what is past its retention. waits: what has not begun. untold-ends:
 * what has ended and may not have been told.
 */
import type { Requests } from "@streamer/core";
import { createClaim } from "./requests/claims.ts";
import { createEventLog } from "./requests/event-log.ts";
import { createInterventions, type Interventions } from "./requests/interventions.ts";
import { createLeasedWrites } from "./requests/leased-writes.ts";
import { createMove } from "./requests/moves.ts";
import { createPurge } from "./requests/purges.ts";
import { createReadings } from "./requests/readings.ts";
import type { Store } from "./dynamodb/store.ts";
import { createSubmit } from "./requests/submissions.ts";
import { createTransitions } from "./requests/transitions.ts";
import { createUntoldEnds, type UntoldEnds } from "./requests/untold-ends.ts";
import { createWaits } from "./requests/waits.ts";

/** The port, and what the sweep and the wakeups ask beside it. */
export type DynamoRequests = Requests &
  Pick<Interventions, "endLeases"> &
  UntoldEnds &
  Pick<ReturnType<typeof createReadings>, "dueBetween" | "late" | "hasWaiting">;

export function createRequests(store: Store): DynamoRequests {
  const log = createEventLog(store.events.table, store.clock, store.values);
  const transitions = createTransitions(log, store);
  const move = createMove(store, transitions);
  const readings = createReadings(store);
  return {
    submit: createSubmit(store, log),
    claim: createClaim(store),
    ...createLeasedWrites(store, log, transitions, move),
    ...createInterventions(store, log, transitions, move),
    ...createUntoldEnds(store),
    ...createWaits(store, log, readings.late()),
    ...readings,
    purge: createPurge(store),
  };
}
