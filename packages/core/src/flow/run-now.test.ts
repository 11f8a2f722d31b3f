import { createManualClock, turnsOfTheLoop } from "@streamer/contract/clock";
import type { ServerMessage } from "@streamer/protocol";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "../handler.ts";
import { resolveOptions } from "../options.ts";
import type { Claim, RequestKey } from "../ports/requests.ts";
import type { Ending } from "../rules/outcome.ts";
import type { AcceptedRequest } from "./accepted.ts";
import type { LeasedRun } from "./process.ts";
import { createRunNow } from "./run-now.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const handler = defineHandler({ action: "slow", input: z.object({}), run: () => 1 });
const request: AcceptedRequest = {
  connection: { connectionId: "c", owner: { tenantId: "t", userId: "u" }, permissions: [], connectedAt: 0 },
  key: "t/u/r" as RequestKey,
  requestId: "r",
  handler,
  input: {},
  payload: {},
  metadata: {},
  options: {},
  size: 0,
  declaredMs: 1,
  bytes: 10,
};
const claim = { lease: { key: request.key, attempt: 1 } } as Claim;

/** One sync run that goes on until the test ends it, over a store that promotes as the test says. */
function setUp(promote: () => Promise<Claim | undefined>) {
  const clock = createManualClock();
  const answers: ServerMessage[] = [];
  const adopted: LeasedRun[] = [];
  const ended = Promise.withResolvers<Ending>();
  const controller = new AbortController();
  const runNow = createRunNow({
    clock,
    log: silent,
    options: resolveOptions({ syncThresholdMs: 5_000 }),
    launch: () => ({
      startedAt: clock.monotonic(),
      begun: { action: "slow", size: 0, declaredMs: 1 },
      controller,
      reporter: { attach() {} } as never,
      execution: ended.promise,
    }),
    adopt: (run) => Promise.resolve(void adopted.push(run)),
    promote,
    completed: () => {},
    answer: (_, message) => Promise.resolve(void answers.push(message)),
  });
  return { clock, answers, adopted, ended, controller, runNow };
}

it("a run that passes the threshold is promoted once, and no longer answered here", async () => {
  const { clock, answers, adopted, ended, runNow } = setUp(() => Promise.resolve(claim));
  const answered = runNow.run(request);
  await clock.advance(4_999);
  expect(adopted).toHaveLength(0);
  await clock.advance(10_001);
  expect(adopted).toHaveLength(1);
  expect(runNow.running).toBe(0);
  ended.resolve({ kind: "returned", result: 1 });
  await answered;
  expect(answers).toEqual([]);
  expect(await runNow.run(request)).toBe("durable");
});

it("a run that cannot be promoted stays: it can be stopped, is waited for, and is answered", async () => {
  let asked = 0;
  const { clock, answers, ended, controller, runNow } = setUp(() => {
    asked += 1;
    return Promise.resolve(undefined);
  });
  const answered = runNow.run(request);
  await clock.advance(60_000);
  expect(asked).toBe(1);
  expect(runNow.running).toBe(1);
  const stopped = runNow.stopAll(2_000);
  expect(controller.signal.aborted).toBe(true);
  ended.resolve({ kind: "threw", error: controller.signal.reason as Error });
  await Promise.all([answered, stopped]);
  expect(answers).toMatchObject([{ type: "response", success: false, error: { code: "SERVICE_UNAVAILABLE" } }]);
});

it("P13 a run that is told to stop and does not holds up nobody: it is answered after the grace", async () => {
  const { clock, answers, runNow } = setUp(() => Promise.resolve(undefined));
  const answered = runNow.run(request);
  const stopped = runNow.stopAll(2_000);
  await clock.advance(1_999);
  expect(answers).toEqual([]);
  await clock.advance(1);
  await Promise.all([answered, stopped]);
  expect(answers).toMatchObject([{ success: false, error: { code: "SERVICE_UNAVAILABLE" } }]);
});

it("P4 the same id again is answered once more, and not run again; another payload is refused", async () => {
  const { answers, ended, runNow } = setUp(() => Promise.resolve(undefined));
  const first = runNow.run(request);
  const again = runNow.run({ ...request, connection: { ...request.connection, connectionId: "d" } });
  ended.resolve({ kind: "returned", result: 1 });
  await Promise.all([first, again]);
  await turnsOfTheLoop();
  expect(answers).toMatchObject([
    { type: "response", data: 1 },
    { type: "response", data: 1 },
  ]);
  await expect(runNow.run({ ...request, payload: { other: true } })).rejects.toMatchObject({ code: "DUPLICATE_REQUEST" });
});
