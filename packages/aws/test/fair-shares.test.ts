/** What fair shares cost on AWS, and what they hold to where the index alone would mislead (P15). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { COMPLETED, created, terms } from "@streamer/contract/samples";
import { createHarness, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

let cloud: Cloud;
let harness: AwsHarness;
const writes: string[] = [];
const WRITES = new Set(["PutItemCommand", "UpdateItemCommand", "DeleteItemCommand", "TransactWriteItemsCommand"]);
beforeAll(async () => {
  cloud = await startCloud();
  cloud.client.middlewareStack.add(
    (next, context) => (args) => {
      const { commandName = "" } = context as { commandName?: string };
      if (WRITES.has(commandName)) writes.push(commandName);
      return next(args);
    },
    { step: "initialize", name: "writes" },
  );
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
});
afterEach(() => harness.dispose());

const owner = (tenantId: string, userId = "u") => ({ tenantId, userId });

it("a request costs the writes of its row, of the two counts and of what is stored, however many contend", async () => {
  const { engine } = harness;
  for (const tenant of ["A", "B", "C"]) for (let n = 0; n < 3; n += 1) await created(engine, `${tenant}${n}`, { owner: owner(tenant) });
  writes.length = 0;
  await created(engine, "next", { owner: owner("A"), priority: 9 });
  expect(writes.splice(0).toSorted()).toEqual(["PutItemCommand", "UpdateItemCommand", "UpdateItemCommand", "UpdateItemCommand"]);
  const [claim] = await engine.requests.claim(terms(1));
  expect(writes.splice(0)).toEqual(["UpdateItemCommand", "UpdateItemCommand", "UpdateItemCommand"]);
  await engine.requests.settle(claim!.lease, COMPLETED);
  expect(writes.splice(0)).toEqual(["UpdateItemCommand", "UpdateItemCommand"]);
});

it("P15 names too long for a key have shares like others", async () => {
  const { engine } = harness;
  const long = (letter: string) => letter.repeat(127) + "é";
  const whose = (letter: string) => ({ tenantId: long(letter).replaceAll(letter, "é") + letter, userId: long(letter) });
  for (let n = 0; n < 30; n += 1) await created(engine, `a${n}`, { owner: whose("a"), priority: 9 });
  await created(engine, "b", { owner: whose("b"), priority: 0 });
  const claims = await engine.requests.claim(terms(2, { weightOf: (tenant) => (tenant.endsWith("b") ? 2 : 1) }));
  expect(claims.map(({ requestId }) => requestId)).toContain("b");
});

it("P15 counts that were put right when nothing waited leave everybody's turn as it was", async () => {
  const { engine, clock } = harness;
  for (const tenant of ["A", "B"]) for (let n = 0; n < 6; n += 1) await created(engine, `${tenant}${n}`, { owner: owner(tenant) });
  const claims = await engine.requests.claim(terms(12));
  expect(claims).toHaveLength(12);
  await clock.advance(120_000);
  await engine.limits.reconcile(clock.now());
  for (const tenant of ["C", "A"]) for (let n = 0; n < 4; n += 1) await created(engine, `${tenant}-again${n}`, { owner: owner(tenant) });
  const next = await engine.requests.claim(terms(4));
  expect(next.filter(({ owner: { tenantId } }) => tenantId === "A")).toHaveLength(2);
});

it("P14 P15 a tenant at its limit whose line is old and long hides nobody", async () => {
  const { engine } = harness;
  const limited = { concurrency: { work: { perTenant: 1 } } };
  const lines = { lanes: [{ actions: ["work"], free: 1 }], ...limited };
  for (let n = 0; n < 150; n += 1) await created(engine, `a${n}`, { owner: owner("A") });
  await engine.requests.claim(terms(1, lines));
  // The line goes on without it.
  for (let n = 0; n < 100; n += 1) await created(engine, `c${n}`, { owner: owner("C") });
  for (let n = 0; n < 99; n += 1) {
    const [claim] = await engine.requests.claim(terms(1, lines));
    await engine.requests.settle(claim!.lease, COMPLETED);
  }
  await created(engine, "b", { owner: owner("B") });
  const claims = [...(await engine.requests.claim(terms(1, lines))), ...(await engine.requests.claim(terms(1, lines)))];
  expect(claims.map(({ requestId }) => requestId)).toContain("b");
});
