/** Nobody has more connections than its part, nor more of `message`, whichever process is asked (P12, P14). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ClientEnd } from "@streamer/contract";
import { createStreamer, defineHandler, type Owner } from "@streamer/core";
import { createConnect } from "../src/functions/entry/connect.ts";
import { createMessage } from "../src/functions/entry/message.ts";
import { createMetrics } from "../src/functions/metrics.ts";
import { createInvoke } from "../src/functions/runtime.ts";
import { createPace } from "../src/pace.ts";
import { connectEvent, contextAt, messageEvent } from "./function-events.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const PER_USER = 3;
const PER_SECOND = 40;

let cloud: Cloud;
let harness: AwsHarness;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
});
afterEach(() => harness.dispose());

/** A process of `connect`, which takes a name for a token. */
async function connect(userId: string): Promise<ClientEnd> {
  const client = await harness.connectClient();
  const owner = { tenantId: "acme", userId };
  const expiresAt = harness.clock.now() + 36_000_000;
  const handle = createConnect({
    ...harness.another(`connect-${client.connectionId}`),
    authenticate: async () => ({ ok: true, credential: owner, identity: { owner, permissions: [], expiresAt } }),
    connectionsPerUser: PER_USER,
    allowedOrigins: [],
    now: harness.clock.now,
  });
  expect(await handle(connectEvent(client.connectionId))).toMatchObject({ statusCode: 200 });
  return client;
}

let lot = 1;
/** Lots that are the same in each run (Lehmer). */
const random = (): number => (lot = (lot * 48_271) % 2_147_483_647) / 2_147_483_647;

/** A process of `message`. */
function answering(name: string) {
  const engine = harness.another(name);
  const streamer = createStreamer({ engine, handlers: [defineHandler({ action: "work", input: anything, run: async () => 1 })] });
  const invoke = createInvoke({ streamer, log: silent, metrics: createMetrics("test", () => {}), clock: harness.clock, begin: () => {} });
  const pace = createPace({ items: engine.counts, clock: harness.clock, random, perSecond: PER_SECOND });
  const message = createMessage({ engine, streamer, pace, invoke });
  return ({ connectionId }: ClientEnd, body = '{"type":"ping","ref":"p"}') =>
    message(messageEvent(connectionId, body), contextAt(harness.clock, 29_000));
}

interface Heard {
  readonly type: string;
  readonly ref?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly retry?: { readonly after_ms?: number } };
}
const heard = (client: ClientEnd): readonly Heard[] => client.received.map((text) => JSON.parse(text) as Heard);
const welcomed = async (client: ClientEnd): Promise<boolean> => {
  await answering("welcome")(client);
  return heard(client)[0]?.type === "welcome";
};

describe("connections", () => {
  it("P14 has as many as each user may, however many come at once, and is told why there are no more", async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => connect("alice")));
    const isIn: boolean[] = [];
    for (const client of clients) isIn.push(await welcomed(client));
    expect(isIn.filter(Boolean)).toHaveLength(PER_USER);
    const refused = clients[isIn.indexOf(false)]!;
    expect(heard(refused)).toMatchObject([{ type: "error", error: { code: "RATE_LIMITED", retry: { after_ms: 5_000 } } }]);
    expect(refused.closed).toBeDefined();
    expect(await welcomed(await connect("bob"))).toBe(true);
  });

  it("P14 gives a place back as its connection goes, once", async () => {
    const [first] = [await connect("alice"), await connect("alice"), await connect("alice")];
    // Once by `$disconnect`, and once by a push that finds it gone.
    for (let n = 0; n < 2; n += 1) await harness.engine.connections.close(first.connectionId);
    expect(await welcomed(await connect("alice"))).toBe(true);
    expect(await welcomed(await connect("alice"))).toBe(false);
  });

  it("P14 one that was refused takes nothing with it as it goes", async () => {
    for (let n = 0; n < PER_USER; n += 1) await connect("alice");
    const refused = await connect("alice");
    await harness.engine.connections.close(refused.connectionId);
    expect(await welcomed(await connect("alice"))).toBe(false);
  });

  it("P14 takes places back from those that nobody has heard of again", async () => {
    const owner: Owner = { tenantId: "acme", userId: "alice" };
    const { places } = harness.engine;
    // Their processes died as they went: no item, and no place given back.
    for (const id of ["dead-1", "dead-2", "dead-3"]) await places.take(owner, id, PER_USER);
    expect(await welcomed(await connect("alice"))).toBe(true);
    // $disconnect never came: the item is there, for longer than API Gateway keeps a connection.
    await connect("alice");
    await connect("alice");
    expect(await welcomed(await connect("alice"))).toBe(false);
    await harness.clock.advance(2 * 3_600_000 + 120_000);
    expect(await welcomed(await connect("alice"))).toBe(true);
  });
});

describe("frames", () => {
  const MANY = 8;

  it("P12 P14 refuses what is over a user's rate in all processes together, cuts off who goes on, and lets nobody pay for it", async () => {
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const processes = Array.from({ length: MANY }, (_, n) => answering(`message-${n}`));
    await harness.clock.advance(10_000 - (harness.clock.now() % 10_000));
    let sent = 0;
    for (; sent < 10 * 10 * PER_SECOND && alice.closed === undefined; sent += 1) await processes[sent % MANY]!(alice);
    const refused = heard(alice).filter(({ type }) => type === "error");
    const answered = heard(alice).filter(({ type }) => type === "pong").length;
    expect(answered).toBeGreaterThan(0.6 * 10 * PER_SECOND);
    expect(answered).toBeLessThan(2 * 10 * PER_SECOND);
    expect(refused[0]).toMatchObject({
      ref: "p",
      error: { code: "RATE_LIMITED", message: expect.stringMatching(/40 messages a second/) as string },
    });
    expect(sent).toBeLessThan(4 * 10 * PER_SECOND);
    expect(refused.at(-1)).toMatchObject({ error: { code: "RATE_LIMITED", retry: { after_ms: 60_000 } } });

    for (const say of processes) await say(bob);
    expect(heard(bob).map(({ type }) => type)).toEqual(["welcome", ...Array.from({ length: MANY }, () => "pong")]);

    const again = await connect("alice");
    expect(await welcomed(again)).toBe(false);
    expect(again.closed).toBeDefined();
    await harness.clock.advance(61_000);
    expect(await welcomed(await connect("alice"))).toBe(true);
  });

  it("P12 P14 a user who stays a little over its rate is cut off when it does so for longer", async () => {
    const { engine, clock } = harness;
    const pace = createPace({ items: engine.counts, clock, random, perSecond: PER_SECOND });
    await clock.advance(10_000 - (clock.now() % 10_000));
    const seen: { readonly refused: number; readonly cutOff: number }[] = [];
    for (let window = 0; window < 3; window += 1) {
      const counted = [];
      for (let n = 0; n < 1.5 * 10 * PER_SECOND; n += 1) counted.push(await pace.count({ tenantId: "acme", userId: "dave" }));
      seen.push({ refused: counted.filter(Boolean).length, cutOff: counted.filter((overrun) => overrun?.isFar).length });
      // The ten seconds after the second are quiet ones.
      await clock.advance(window === 1 ? 20_000 : 10_000);
    }
    expect(seen.map(({ refused }) => refused > 0)).toEqual([true, true, true]);
    expect(seen.map(({ cutOff }) => cutOff > 0)).toEqual([false, true, false]);
  });

  it("P14 costs a sixteenth of a write a frame at most", async () => {
    let writes = 0;
    const items = { ...harness.engine.counts };
    const pace = createPace({
      items: { ...items, update: (...args) => ((writes += 1), items.update(...args)) },
      clock: harness.clock,
      random,
      perSecond: 250,
    });
    for (let n = 0; n < 1_600; n += 1) expect(await pace.count({ tenantId: "acme", userId: "carol" })).toBeUndefined();
    expect(writes).toBeLessThan(150);
  });
});
