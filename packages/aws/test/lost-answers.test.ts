/**
 * What networks and throttles do to the engine's calls: answers that are lost after the write was made, calls refused as
 * too many, and both together. The SDK sends again; nothing may be done twice, lost, or believed lost (P2, P3, P4).
 */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UNLIMITED, submission } from "@streamer/contract/samples";
import { CREDENTIALS } from "./dynamodb.ts";
import { apologize } from "../src/functions/apologize.ts";
import { createAnswers } from "../src/answers.ts";
import type { Items } from "../src/dynamodb/items.ts";
import { createAwsEngine, type AwsEngine } from "../src/engine.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";
import { createMetrics } from "../src/functions/metrics.ts";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";

const LEASE_MS = 30_000;
const TERMS = { leaseMs: LEASE_MS, lanes: [{ actions: ["work"], free: 1 }], concurrency: {} };

type Fault = "none" | "lost" | "throttled" | "dies before" | "dies after";
let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

/**
 * An engine whose DynamoDB calls suffer what `decide` says, each write or read at the moment it is sent. `onDeath` is called
 * once its process has died in a call: nothing it asked for before is under way any more.
 */
function faulty(harness: AwsHarness, decide: (command: string) => Fault, onDeath: () => void = () => undefined): AwsEngine {
  let [underWay, isDead] = [0, false];
  const die = async (): Promise<never> => {
    isDead = true;
    underWay -= 1;
    if (underWay === 0) onDeath();
    return new Promise<never>(() => undefined);
  };

  const client: DynamoDBClient = new DynamoDBClient({
    endpoint: cloud.dynamodb.endpoint,
    region: "eu-central-1",
    credentials: CREDENTIALS,
    maxAttempts: 8,
    retryStrategy: impatient(8),
  });
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const { commandName = "" } = context as { commandName?: string };
      const fault = decide(commandName);
      underWay += 1;
      if (fault === "dies before" || isDead) return die();
      if (fault === "throttled") {
        underWay -= 1;
        throw Object.assign(new Error("slow down"), { name: "ProvisionedThroughputExceededException", $retryable: { throttling: false } });
      }
      const answer = await next(args);
      if (fault === "dies after" || isDead) return die();
      underWay -= 1;
      if (fault === "lost")
        throw Object.assign(new Error("the connection was reset"), { name: "TimeoutError", code: "ECONNRESET", $retryable: {} });
      return answer;
    },
    // Inside the retries: each attempt is a call of its own.
    { step: "finalizeRequest", priority: "low", name: "faults" },
  );
  return createAwsEngine({
    tables: harness.tables,
    bucket: "unused",
    epoch: "e",
    dynamodb: client,
    s3: cloud.s3,
    api: new ApiGatewayManagementApiClient({ endpoint: cloud.api.endpoint, region: "eu-central-1", credentials: CREDENTIALS }),
    delayQueue: { send: async () => {} },
    processId: () => "faulty",
    clock: harness.clock,
    log: silent,
    metrics: createMetrics("test", () => {}),
  });
}

const COMPLETE = { type: "complete", metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } } as const;
const FAILED = { type: "error", error: { code: "PROCESSING_FAILED", message: "its process died" } } as const;

/** Tries again at once. */
function impatient(attempts: number): NonNullable<DynamoDBClientConfig["retryStrategy"]> {
  let tries = 0;
  const token = { getRetryCount: () => tries, getRetryDelay: () => 0 };
  return {
    mode: "impatient",
    maxAttempts: async () => attempts,
    acquireInitialRetryToken: async () => ((tries = 0), token),
    refreshRetryTokenForRetry: async () => {
      tries += 1;
      if (tries >= attempts) throw new Error("no more tries");
      return token;
    },
    recordSuccess: () => {},
  } as unknown as NonNullable<DynamoDBClientConfig["retryStrategy"]>;
}

/** The whole life of a request, verb by verb; answers what each verb said. */
async function life(engine: AwsEngine, requestId: string): Promise<readonly string[]> {
  const { key } = submission(requestId);
  const said: string[] = [];
  const note = <T extends { readonly outcome: string }>(answer: T): T => {
    said.push(answer.outcome);
    return answer;
  };
  note(await engine.requests.submit(submission(requestId, { idempotencyKey: `k-${requestId}` })));
  const [first] = await engine.requests.claim({ ...TERMS, key });
  said.push(first ? `claimed ${first.lease.attempt}` : "not claimed");
  note(
    await engine.requests.advance(first!.lease, {
      events: [
        { type: "progress", percentage: 10, attempt: 1 },
        { type: "partial", stream: "s", index: 0, data: 1 },
      ],
      checkpoint: { row: 1 },
      leaseMs: LEASE_MS,
    }),
  );
  note(await engine.requests.reschedule(first!.lease, { runAt: 0, events: [] }));
  const [second] = await engine.requests.claim({ ...TERMS, key });
  said.push(second ? `claimed ${second.lease.attempt} after ${second.failures}` : "not claimed");
  note(await engine.requests.requestCancel(key, { whenWaiting: [], whenRunning: [{ type: "cancellation", stage: "requested" }] }));
  note(
    await engine.requests.settle(second!.lease, {
      status: "FAILED",
      events: [{ type: "error", error: { code: "PROCESSING_FAILED", message: "no" } }],
      runMs: 1,
    }),
  );
  note(await engine.requests.redrive(key, { type: "acknowledgment", status: "queued", message: "again" }));
  const [third] = await engine.requests.claim({ ...TERMS, key });
  note(
    await engine.requests.settle(third!.lease, {
      status: "COMPLETED",
      events: [{ type: "complete", metadata: { attempts: 3, queue_ms: 0, run_ms: 1 } }],
      runMs: 1,
    }),
  );
  return said;
}

const GOOD = ["created", "claimed 1", "advanced", "written", "claimed 2 after 1", "requested", "written", "redriven", "written"];

describe.each(["lost", "throttled"] as const)("an answer that is %s", (fault) => {
  it("P2 P3 P4 at any one call changes nothing of what a request lives through", async () => {
    const harness = await createHarness(cloud);
    for (let at = 1; ; at += 1) {
      let calls = 0;
      const engine = faulty(harness, () => ((calls += 1) === at ? fault : "none"));
      const id = `${fault}-${at}`;
      expect(await life(engine, id), `${fault} at call ${at}`).toEqual(GOOD);
      const events = await harness.engine.events.after(submission(id).key, 0, 100);
      expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      if (calls < at) break;
    }
    // A count that was asked for twice is put right once all is quiet.
    await harness.clock.advance(61_000);
    await harness.engine.limits.reconcile(harness.clock.now());
    for (let n = 0; n < 40; n += 1) {
      const outcome = await harness.engine.requests.submit(
        submission(`after-${n}`, { limits: { ...UNLIMITED, queued: 40, queuedPerTenant: 1_000 } }),
      );
      expect(outcome.outcome, `submit ${n} of 40`).toBe("created");
    }
    await harness.dispose();
  });
});

describe.each(["dies before", "dies after"] as const)("a process that %s a call", (fault) => {
  it("P1 P2 P3 P5 at any one of all its calls leaves a request that the next process brings to one end", async () => {
    const harness = await createHarness(cloud);
    const next = harness.another("next");
    for (let at = 1, isWhole = false; !isWhole; at += 1) {
      let calls = 0;
      const death = Promise.withResolvers<boolean>();
      const die = (): Fault => ((calls += 1) === at ? fault : "none");
      const engine = faulty(harness, die, () => death.resolve(false));
      const id = `${fault}-${at}`;
      const { key } = submission(id);
      isWhole = await Promise.race([life(engine, id).then(() => true), death.promise]);
      await harness.clock.advance(LEASE_MS + 1);
      // A client that heard no answer asks again under the same id (P4).
      expect((await next.requests.submit(submission(id, { idempotencyKey: `k-${id}` }))).outcome).toBeOneOf(["created", "existing"]);
      await next.requests.recover({ isAlive: () => false, quarantineAfter: 3, quarantined: [FAILED], cancelled: [FAILED] });
      for (const claim of await next.requests.claim({ ...TERMS, key })) {
        expect(await next.requests.settle(claim.lease, { status: "COMPLETED", events: [COMPLETE], runMs: 1 })).toMatchObject({
          outcome: "written",
        });
      }
      expect(await next.requests.get(key), `${fault} call ${at}`).toMatchObject({ record: { endedAt: expect.any(Number) } });
      const events = await next.events.after(key, 0, 100);
      expect(events.filter(({ kind }) => kind === "durable").length).toBeGreaterThan(1);
      expect(events.map(({ seq }) => seq)).toEqual([...new Set(events.map(({ seq }) => seq))].toSorted((a, b) => a - b));
    }
    await harness.dispose();
  });
});

it("P3 a claim whose answer is lost is still the claimer's, and nobody else's", async () => {
  const harness = await createHarness(cloud);
  let isLost = true;
  const engine = faulty(harness, (command) => {
    const fault = command === "UpdateItemCommand" && isLost ? "lost" : "none";
    if (fault === "lost") isLost = false;
    return fault;
  });
  await harness.engine.requests.submit(submission("r1"));
  const claims = await engine.requests.claim({ ...TERMS, key: submission("r1").key });
  expect(claims).toMatchObject([{ lease: { attempt: 1 } }]);
  expect(await harness.engine.requests.claim(TERMS)).toEqual([]);
  expect(await engine.requests.settle(claims[0]!.lease, { status: "COMPLETED", events: [], runMs: 1 })).toMatchObject({
    outcome: "written",
  });
  await harness.dispose();
});

it("P12 a store that is down for good is a typed failure, and nothing is half there", async () => {
  const harness = await createHarness(cloud);
  const engine = faulty(harness, () => "throttled");
  await expect(engine.requests.submit(submission("r1"))).rejects.toMatchObject({ code: "STORAGE_ERROR", afterMs: 1_000 });
  expect(await harness.engine.requests.get(submission("r1").key)).toEqual({ outcome: "unknown" });
  await harness.dispose();
});

it("P5 P6 a follower that is taken by a call whose answer is lost is told from where it stood", async () => {
  const harness = await createHarness(cloud);
  const { key } = submission("followed");
  await harness.engine.subscriptions.add("a", key);
  await harness.engine.subscriptions.handOver("a", key, 3);
  for (let at = 1; ; at += 1) {
    let calls = 0;
    const { subscriptions } = faulty(harness, () => ((calls += 1) === at ? "lost" : "none"));
    expect(await subscriptions.of(key), `lost at call ${at}`).toEqual([{ connectionId: "a", after: 3 }]);
    await harness.another("faulty").subscriptions.handOver("a", key, 3);
    if (calls < at) break;
  }
  await harness.dispose();
});

it("§2.3 one greets a connection, whichever answer is lost", async () => {
  const harness = await createHarness(cloud);
  for (let at = 1; ; at += 1) {
    let calls = 0;
    const { connections } = faulty(harness, () => ((calls += 1) === at ? "lost" : "none"));
    const connectionId = `c${at}`;
    await harness.engine.connections.admit({ connectionId, owner: submission("r1").owner, permissions: [], connectedAt: 0 });
    expect(await connections.markGreeted(connectionId), `lost at call ${at}`).toBe(true);
    expect(await harness.engine.connections.markGreeted(connectionId)).toBe(false);
    if (calls < at) break;
  }
  await harness.dispose();
});

describe("what is answered at once", () => {
  const { key } = submission("now");
  const asked = (connectionId: string, fingerprint = "f") => ({ fingerprint, connectionId, leaseMs: LEASE_MS });
  const ANSWER = { kind: "answered", text: "{}" } as const;

  it("P4 an answer that is lost at any one call lets nobody believe that another runs it", async () => {
    const harness = await createHarness(cloud);
    for (let at = 1; ; at += 1) {
      let calls = 0;
      const { answers } = faulty(harness, () => ((calls += 1) === at ? "lost" : "none"));
      const own = submission(`now-${at}`).key;
      expect(await answers.begin(own, asked("a")), `lost at call ${at}`).toEqual({ outcome: "begun" });
      expect(await harness.engine.answers.begin(own, asked("b"))).toEqual({ outcome: "joined" });
      expect([...(await answers.end(own, ANSWER))].toSorted()).toEqual(["a", "b"]);
      expect(await harness.engine.answers.begin(own, asked("c"))).toEqual({ outcome: "answered", text: "{}" });
      if (calls < at) break;
    }
    await harness.dispose();
  });

  it("P4 two processes that are asked at once begin once, and everyone who asked is named by the one that ran", async () => {
    const harness = await createHarness(cloud);
    for (let round = 0; round < 10; round += 1) {
      const own = submission(`both-${round}`).key;
      const engines = [harness.another("p1"), harness.another("p2"), harness.another("p3")];
      const outcomes = await Promise.all(engines.map(async ({ answers }, n) => (await answers.begin(own, asked(`c${n}`))).outcome));
      expect(outcomes.toSorted()).toEqual(["begun", "joined", "joined"]);
      const named = await Promise.all(engines.map(async ({ answers }) => answers.end(own, ANSWER)));
      expect(named.flat().toSorted()).toEqual(["c0", "c1", "c2"]);
    }
    await harness.dispose();
  });

  it("P4 a run whose process died is begun by the next who asks, and answers those who had asked the dead one", async () => {
    const harness = await createHarness(cloud);
    const [dead, other, next] = [harness.another("p1").answers, harness.another("p2").answers, harness.another("p3").answers];
    await dead.begin(key, asked("a"));
    await other.begin(key, asked("b"));
    await harness.clock.advance(LEASE_MS - 1);
    expect(await next.begin(key, asked("c"))).toEqual({ outcome: "joined" });
    await harness.clock.advance(1);
    expect(await next.begin(key, asked("d"))).toEqual({ outcome: "begun" });
    expect([...(await next.end(key, ANSWER))].toSorted()).toEqual(["a", "b", "c", "d"]);
    // It was only frozen: what it ends is no longer its own, and nobody is answered twice.
    expect(await dead.end(key, { kind: "durable" })).toEqual([]);
    expect(await other.begin(key, asked("e"))).toEqual({ outcome: "answered", text: "{}" });
    await harness.dispose();
  });

  it("P4 whoever joined a run that died is told to ask again, once, when its time is over", async () => {
    const harness = await createHarness(cloud);
    const { clock, engine } = harness;
    const end = await harness.connectClient();
    await harness.another("p1").answers.begin(key, asked("a"));
    expect(await engine.answers.begin(key, asked(end.connectionId))).toEqual({ outcome: "joined" });
    expect(harness.delayed).toEqual([{ kind: "answer", key }]);
    await apologize(engine, key);
    expect(end.received).toEqual([]);
    await clock.advance(LEASE_MS);
    for (let times = 0; times < 2; times += 1) await apologize(engine, key);
    expect(end.received.map((text) => Object.keys(JSON.parse(text) as object))).toEqual([["message", "connectionId", "requestId"]]);
    expect(await engine.answers.begin(key, asked(end.connectionId))).toEqual({ outcome: "begun" });
    expect(await engine.answers.end(key, ANSWER)).toEqual([end.connectionId]);
    // One that ended well leaves nobody to be told.
    await apologize(engine, key);
    expect(end.received).toHaveLength(1);
    await harness.dispose();
  });

  it("P4 who asks for another payload than a dead run had begins anew; the dead one, come back, answers its own client alone", async () => {
    const harness = await createHarness(cloud);
    const [dead, next] = [harness.another("p1").answers, harness.another("p2").answers];
    await dead.begin(key, asked("a"));
    await harness.clock.advance(LEASE_MS);
    expect(await next.begin(key, asked("b", "other"))).toEqual({ outcome: "begun" });
    expect(await dead.end(key, ANSWER)).toEqual(["a"]);
    expect(await next.end(key, ANSWER)).toEqual(["b"]);
    await harness.dispose();
  });

  it("P4 what cannot be known is a failure that can be tried again, never an answer", async () => {
    // An item that is never what it was a moment ago: it cannot be begun, and when it is looked at it is gone.
    const items = { update: async () => undefined, get: async () => undefined } as unknown as Items;
    const answers = createAnswers({ items, clock: { now: () => 0 }, makeId: () => "run", lookLater: async () => {} });
    await expect(answers.begin(key, asked("a"))).rejects.toMatchObject({ code: "STORAGE_ERROR", afterMs: 1_000 });
  });

  it("P14 no more connections wait for one answer than an item holds", async () => {
    const harness = await createHarness(cloud);
    const { answers } = harness.engine;
    for (let from = 0; from < 1_000; from += 100) {
      await Promise.all(Array.from({ length: 100 }, async (_, n) => answers.begin(key, asked(`c${from + n}`))));
    }
    expect(await answers.begin(key, asked("c7"))).toEqual({ outcome: "joined" });
    await expect(answers.begin(key, asked("more"))).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await harness.dispose();
  });
});
