/**
 * RequestQueue on SQLite: the verbs, by what they need. submissions: nothing yet. claims: a waiting request.
 * leased-writes: the lease. interventions: neither. readings: no change of state. waits: what has not begun.
 */
import type { Requests } from "@streamer/core";
import { createClaim } from "./claims.ts";
import { createInterventions } from "./interventions.ts";
import { createLeasedWrites } from "./leased-writes.ts";
import { createReadings } from "./readings.ts";
import type { Store } from "./store.ts";
import { createSubmit } from "./submissions.ts";
import { createTransitions } from "./transitions.ts";
import { createWaits } from "./waits.ts";

export function createRequests(store: Store): Requests {
  const transitions = createTransitions(store);
  const { isTombstone, ...readings } = createReadings(store);
  return {
    submit: createSubmit(store),
    claim: createClaim(store),
    ...createWaits(store, transitions),
    ...createLeasedWrites(store, transitions),
    ...createInterventions(store, transitions, { isTombstone }),
    ...readings,
  };
}
