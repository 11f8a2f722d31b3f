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
    "P14 what one user may store is bounded, and leaves room to colleagues and other tenants",
    "P14 what a tenant may store is bounded, whoever of it stores it",
    "P14 events, checkpoints and results count, and what is forgotten makes room",
    "P14 what is stored counts after a restart, too",
    "P14 a dead letter is not retried where nothing more may be stored",
    "P14 a request that finds no room is told which quota that is, how much is stored, and when room comes",
    "P14 a run that finds no room does not begin, and one that stores a file is refused it",
  ].map((test) => ({ test, reason: "what is stored is not counted on AWS: a bucket and tables on demand are full for nobody, and cost" })),
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
];

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

adapterContract(() => createHarness(cloud), GAPS);
