/** What carries requests from one function to the next, at its worst that AWS allows: at least once, in no order, some day. */
import type { Faults } from "@streamer/aws-local";
import type { Suite } from "../suite.ts";
import { runOnAws } from "../aws/run-on-aws.ts";
import { storm } from "../aws/storm.ts";
import { wishesOf } from "../aws/wishes.ts";

export const awsDeliveries: Suite = {
  name: "aws-deliveries",
  fault: "stream records doubled, late, reordered between items and behind poison; queue messages doubled and late",
  unit: "requests",
  counts: { ci: 36, release: 900 },
  limitSeconds: { ci: 300, release: 1_200 },
  run: (terms) =>
    runOnAws("aws-deliveries", terms, async (stack) => {
      const { random, count } = terms;
      const faults: Faults = {
        records: () => {
          const lot = random();
          if (lot < 0.25) return { kind: "double" };
          if (lot < 0.5) return { kind: "reorder" };
          if (lot < 0.6) return { kind: "stall", ms: Math.round(1_500 * random()) };
          return lot < 0.7 ? { kind: "poison" } : undefined;
        },
        message: () => {
          const lot = random();
          if (lot < 0.4) return { kind: "double", afterMs: Math.round(2_000 * random()) };
          return lot < 0.7 ? { kind: "late", ms: Math.round(3_000 * random()) } : undefined;
        },
      };
      return storm({
        terms,
        stack,
        begin: () => stack.board.set(faults),
        wishes: wishesOf(count, { prefix: "deliver", random }),
        paceMs: 150,
        goOnMs: terms.size === "ci" ? 20_000 : 60_000,
        patienceMs: 75_000,
      });
    }),
};
