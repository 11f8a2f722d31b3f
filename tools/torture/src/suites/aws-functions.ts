/** Functions that die in the middle of a call or between two, and stand still for longer than anybody would wait. */
import type { InvocationFault } from "@streamer/aws-local";
import type { Suite } from "../suite.ts";
import { runOnAws } from "../aws/run-on-aws.ts";
import { storm } from "../aws/storm.ts";
import { roleOf, type Role } from "../aws/switchboard.ts";
import { wishesOf } from "../aws/wishes.ts";

/** A message that its function died over is hidden for three minutes: too long for every run of CI. */
const SPARED_IN_CI: ReadonlySet<Role> = new Set<Role>(["wake"]);
/** Longer than a lease, 30 s. */
const LONG_MS = 40_000;
const DIES_WITHIN_MS = 600;

export const awsFunctions: Suite = {
  name: "aws-functions",
  fault: "function instances killed in a call and between calls, and frozen in a call, some for longer than a lease",
  unit: "requests",
  counts: { ci: 36, release: 600 },
  limitSeconds: { ci: 300, release: 1_200 },
  run: (terms) =>
    runOnAws("aws-functions", terms, async (stack) => {
      const { random, count, size } = terms;
      const isSpared = (role: Role): boolean => size === "ci" && SPARED_IN_CI.has(role);
      /** A request whose process dies for the third time has failed, as it should: each is killed once. */
      const killed = new Set<string>();
      const decide = ({ functionName, event }: { readonly functionName: string; readonly event: string }): InvocationFault | undefined => {
        const role = roleOf(functionName);
        const lot = random();
        if (isSpared(role)) return undefined;
        if (lot < 0.15 && !(role === "work" && killed.has(event))) {
          killed.add(event);
          return { kind: "kill", afterMs: Math.round(DIES_WITHIN_MS * random()) };
        }
        if (lot < 0.25) return { kind: "cold" };
        const ms = size === "release" && role === "work" && lot < 0.27 ? LONG_MS : 2_000 * random();
        return lot < 0.35 ? { kind: "freeze", afterMs: Math.round(300 * random()), ms: Math.round(ms) } : undefined;
      };
      return storm({
        terms,
        stack,
        begin: () => stack.board.set({ invocation: decide }),
        wishes: wishesOf(count, { prefix: "fn", random }),
        paceMs: 150,
        goOnMs: terms.size === "ci" ? 20_000 : 60_000,
        patienceMs: size === "ci" ? 75_000 : 240_000,
      });
    }),
};
