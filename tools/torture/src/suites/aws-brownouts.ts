/** One service after another fails for a while: one kind of call, or all; in one way that a service fails, or any. */
import type { CallFault, Faults, ServiceCall, ServiceName } from "@streamer/aws-local";
import type { Suite } from "../suite.ts";
import { runOnAws } from "../aws/run-on-aws.ts";
import { storm } from "../aws/storm.ts";
import { wishesOf } from "../aws/wishes.ts";

/** "*": whatever is asked of it. */
const CALLS: Readonly<Record<ServiceName, readonly string[]>> = {
  dynamodb: ["*", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"],
  s3: ["*", "GET", "PUT"],
  sqs: ["*"],
  lambda: ["*"],
  connections: ["*"],
};
const WAYS = ["throttle", "fail", "hang", "lose_answer"] as const;
interface Brownout {
  readonly service: ServiceName;
  readonly operation: string;
  readonly way: (typeof WAYS)[number];
}
const ALL: readonly Brownout[] = (Object.entries(CALLS) as readonly (readonly [ServiceName, readonly string[]])[]).flatMap(
  ([service, operations]) => operations.flatMap((operation) => WAYS.map((way) => ({ service, operation, way }))),
);
/**
 * Those that every change goes through. A wakeup that SQS does not take is made up for a minute late, and a message that
 * its function fails on is hidden for three: SQS is for releases.
 */
const SOME: readonly Brownout[] = [
  { service: "dynamodb", operation: "*", way: "fail" },
  { service: "dynamodb", operation: "UpdateItem", way: "lose_answer" },
  { service: "s3", operation: "*", way: "fail" },
  { service: "lambda", operation: "*", way: "lose_answer" },
  { service: "connections", operation: "*", way: "throttle" },
];
const HANG_MS = 1_000;

const faultOf = (way: Brownout["way"]): CallFault => (way === "hang" ? { kind: way, ms: HANG_MS } : { kind: way });
const suffers = ({ service, operation }: Brownout, call: ServiceCall): boolean =>
  call.service === service && (operation === "*" || call.operation === operation);

export const awsBrownouts: Suite = {
  name: "aws-brownouts",
  fault: "each service throttles, fails, hangs or loses its answers for seconds: all of it, then each kind of call",
  unit: "brownouts",
  counts: { ci: SOME.length, release: ALL.length },
  limitSeconds: { ci: 300, release: 1_200 },
  run: (terms) =>
    runOnAws("aws-brownouts", terms, async (stack) => {
      const { random, count, size, tell } = terms;
      const order = size === "ci" ? SOME : ALL;
      const perBrownout = size === "ci" ? 7 : 9;
      const paceMs = size === "ci" ? 300 : 500;
      const wishes = wishesOf(count * perBrownout * 2, { prefix: "brown", random });
      return storm({
        terms,
        stack,
        wishes,
        paceMs,
        goOnMs: terms.size === "ci" ? 20_000 : 60_000,
        patienceMs: size === "ci" ? 75_000 : 300_000,
        before: (n) => {
          // As long as it lasted it is over, so that each is seen to heal.
          const [at, phase] = [Math.floor(n / (2 * perBrownout)), n % (2 * perBrownout)];
          if (phase === perBrownout) return stack.board.quiet();
          if (phase > 0) return;
          const brownout = order[at % order.length]!;
          tell(`${brownout.service} ${brownout.operation}: ${brownout.way}`);
          const faults: Faults = { call: (call) => (suffers(brownout, call) ? faultOf(brownout.way) : undefined) };
          stack.board.set(faults);
        },
      });
    }),
};
