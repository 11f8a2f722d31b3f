/** Everything at once and a little: any attempt of any call may fail, any connection be cut, at any time. */
import type { CallFault, ServiceCall } from "@streamer/aws-local";
import type { Suite } from "../suite.ts";
import { runOnAws } from "../aws/run-on-aws.ts";
import { storm } from "../aws/storm.ts";
import { wishesOf } from "../aws/wishes.ts";

export const awsWeather: Suite = {
  name: "aws-weather",
  fault: "any attempt of any call throttled, failed, slow or its answer lost (12 in 100); connections cut, and gone to one push",
  unit: "requests",
  counts: { ci: 36, release: 1_200 },
  limitSeconds: { ci: 300, release: 1_200 },
  run: (terms) =>
    runOnAws("aws-weather", terms, async (stack) => {
      const { random, count, size } = terms;
      const decide = ({ service, operation }: ServiceCall): CallFault | undefined => {
        const lot = random();
        if (lot < 0.03) return { kind: "throttle" };
        if (lot < 0.06) return { kind: "fail" };
        if (lot < 0.09) return { kind: "lose_answer" };
        if (lot < 0.12) return { kind: "slow", ms: Math.round(500 * random()) };
        return service === "connections" && operation === "POST" && lot < 0.125 ? { kind: "gone" } : undefined;
      };
      return storm({
        terms,
        stack,
        begin: () => stack.board.set({ call: decide }),
        wishes: wishesOf(count, { prefix: "weather", random }),
        paceMs: 150,
        goOnMs: terms.size === "ci" ? 20_000 : 60_000,
        patienceMs: size === "ci" ? 75_000 : 240_000,
        before: (_, askers) => {
          if (random() < 0.1) askers[Math.floor(random() * askers.length)]!.cut();
        },
      });
    }),
};
