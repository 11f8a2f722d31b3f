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
    "P9 what is to run after a while waits no longer than that, and no shorter, wherever the wall clock has jumped",
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
