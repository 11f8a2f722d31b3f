/** A key that is gone from the key set takes with it what it has opened, at the next sweep; while the set stays nobody is looked at. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { createVerifier, trust, type Verification } from "@streamer/auth";
import type { ClientEnd } from "@streamer/contract";
import { createStreamer, defineHandler } from "@streamer/core";
import { createConnect } from "../src/functions/entry/connect.ts";
import { createSweep } from "../src/functions/entry/sweep.ts";
import { createMetrics } from "../src/functions/metrics.ts";
import { createInvoke } from "../src/functions/runtime.ts";
import type { KeysThatChange } from "../src/functions/untrusted.ts";
import { connectEvent, contextAt } from "./function-events.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const pairs = new Map(["k1", "k2"].map((kid) => [kid, generateKeyPairSync("ed25519")]));
const jwk = (kid: string) => ({ ...pairs.get(kid)!.publicKey.export({ format: "jwk" }), kid, alg: "EdDSA" });

let cloud: Cloud;
let harness: AwsHarness;
let provider: Server;
let kids: readonly string[];
let keys: Verification;
let readings: number;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
  kids = ["k1", "k2"];
  readings = 0;
  provider = createServer((_, response) => response.end(JSON.stringify({ keys: kids.map(jwk) })));
  await new Promise<void>((resolve) => void provider.listen(0, "127.0.0.1", resolve));
  keys = trust({ jwks: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/` }, { clock: harness.clock, log: silent });
});
afterEach(async () => {
  provider.close();
  await harness.dispose();
});

async function connected(kid: string): Promise<ClientEnd> {
  const { clock, engine } = harness;
  const authenticate = createVerifier(keys, {}, { clock, log: silent });
  const connect = createConnect({
    authenticate,
    connections: engine.connections,
    places: engine.places,
    connectionsPerUser: 256,
    delayQueue: engine.delayQueue,
    allowedOrigins: [],
    now: clock.now,
  });
  const token = await new SignJWT({ sub: "alice" })
    .setProtectedHeader({ alg: "EdDSA", kid })
    .setExpirationTime(Math.floor(clock.now() / 1_000) + 36_000)
    .sign(pairs.get(kid)!.privateKey);
  const client = await harness.connectClient();
  await connect(connectEvent(client.connectionId, { headers: { Authorization: `Bearer ${token}` } }));
  return client;
}

function sweeper(): () => Promise<void> {
  const engine = harness.another("sweep");
  const { connections } = engine;
  const keyOf = (connectionId: string): Promise<string | undefined> => {
    readings += 1;
    return connections.keyOf(connectionId);
  };
  const streamer = createStreamer({ engine, handlers: [defineHandler({ action: "work", input: anything, run: async () => 1 })] });
  const metrics = createMetrics("test", () => {});
  const invoke = createInvoke({ streamer, log: silent, metrics, clock: harness.clock, begin: () => {} });
  const { renew, holds, version } = keys as KeysThatChange;
  const runtime = { engine: { ...engine, connections: { ...connections, keyOf } }, streamer, log: silent, metrics, invoke };
  const sweep = createSweep(runtime, async () => {}, { renew, holds, version });
  return () => sweep({}, contextAt(harness.clock, 60_000));
}

it("ends them, says why, and leaves the others", async () => {
  const [gone, stays] = [await connected("k1"), await connected("k2")];
  const sweep = sweeper();
  for (let minute = 0; minute < 6; minute += 1) {
    await sweep();
    await harness.clock.advance(60_000);
  }
  expect([gone.closed, stays.closed]).toEqual([undefined, undefined]);
  const before = readings;
  await sweep();
  expect(readings).toBe(before);
  kids = ["k2"];
  await harness.clock.advance(60_000);
  await sweep();
  expect(JSON.parse(gone.received.at(-1)!)).toMatchObject({
    type: "error",
    error: { code: "UNAUTHORIZED", message: expect.stringMatching(/trusted no more/) as string },
  });
  expect(gone.closed).toBeDefined();
  expect(stays.closed).toBeUndefined();
  expect(await harness.engine.connections.caller(gone.connectionId)).toBeUndefined();
});

it("waits out an outage of the provider, and ends nobody for it", async () => {
  const client = await connected("k1");
  const sweep = sweeper();
  await sweep();
  provider.close();
  provider.closeAllConnections();
  await harness.clock.advance(60_000);
  await sweep();
  expect(client.closed).toBeUndefined();
});
