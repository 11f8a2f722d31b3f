import { adapterContract, type Gap } from "@streamer/contract";
import { afterAll, beforeAll } from "vitest";
import { createHarness, startCloud, type Cloud } from "./harness.ts";

const GAPS: readonly Gap[] = [
  {
    test: "P3 jumps of the wall clock end no lease, and keep none alive",
    reason: "leases are shared by machines that share no monotonic clock; those of Lambda are kept in step by AWS",
  },
  {
    test: "a closed connection is told why, and is gone",
    reason: "API Gateway closes with a code of its own; the error frame before it says why",
  },
  {
    test: "P11 behind a slow client newer progress takes the place of older, and nothing else is lost",
    reason: "API Gateway buffers for a slow client and tells nobody how far it has read",
  },
  {
    test: "P11 over the limit a slow connection is closed, while others are served",
    reason: "API Gateway itself ends a connection that reads too slowly: a push then finds it gone",
  },
  ...[
    "P9 what was not scheduled is due at once by a clock that was ahead when it was accepted, after a restart",
    "P9 a wait before the next attempt is no longer by a clock that was ahead, while the process lives",
    "P9 a wait before the next attempt is no longer by a clock that was ahead, after a restart",
    "P7 nothing is forgotten by a wall clock that is days ahead for a moment",
    "P7 a wall clock that stays where it jumped to is believed after an hour",
    "P7 a process that starts with a wall clock far ahead forgets nothing in its first hour",
    "P7 what ends while the wall clock is days behind is kept for its whole retention",
    "P3 P9 a redriven request is due at once, by any clock",
  ].map((test) => ({ test, reason: "its processes share no clock but the wall clock; those of Lambda are kept in step by AWS" })),
  // Until the queue of this engine is ordered by shares, too (in work).
  ...[
    "P15 a tenant's first request is claimed within the next two, whatever others have waiting",
    "P15 the same before anything has run, and in one claim of many",
    "P15 a user's first request is claimed within the next two of their tenant",
    "P15 tenants that wait get the same, however many users and priorities they have",
    "P15 a tenant of weight 3 gets three times as much as one of weight 1",
    "P15 a stream of urgent requests does not hold the same user's other ones for ever",
    "P15 what a tenant runs in vain time is no credit: who comes back begins with the others",
    "P14 P15 a limit that holds one tenant hides no other, and lifts none above them",
    "P15 the position is what goes first by these rules",
    "P15 what is handed back, or tried again, takes its turn like what has just come",
    "P15 a restart forgets nobody's share",
  ].map((test) => ({ test, reason: "priority and time order everybody's requests together" })),
];

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

adapterContract(() => createHarness(cloud), GAPS);
