/**
 * RequestQueue on SQLite: the verbs, by what they need. submissions: nothing yet. claims: a waiting request.
 * leased-writes: the lease. interventions: neither. readings: no change of state. waits: what has not begun.
 */
import type { Requests } from "@streamer/core";
import { createClaim } from "./requests/claims.ts";
import { createInterventions } from "./requests/interventions.ts";
import { createLeasedWrites } from "./requests/leased-writes.ts";
import { createReadings } from "./requests/readings.ts";
import type { Store } from "./sqlite/store.ts";
import { createSubmit } from "./requests/submissions.ts";
import { createTransitions } from "./requests/transitions.ts";
import { createWaits } from "./requests/waits.ts";

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
