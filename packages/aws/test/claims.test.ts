/** §2.2 `$connect` reads the claims that its environment names, and lets nobody in without them. */
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createVerifier, trust } from "@streamer/auth";
import { createConnect, tokenRules } from "../src/functions/entry/connect.ts";
import { VARIABLES } from "../src/functions/settings.ts";
import { connectEvent } from "./function-events.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
let cloud: Cloud;
let harness: AwsHarness;
beforeAll(async () => {
  cloud = await startCloud();
  harness = await createHarness(cloud);
});
afterAll(async () => {
  await harness.dispose();
  await cloud.stop();
});

it("§2.2 the tenant, the permissions and the audience come from where the deployment says, and from nowhere else", async () => {
  const { engine, clock } = harness;
  const rules = tokenRules({
    [VARIABLES.issuer]: "https://a.test,https://b.test/{org_id}",
    [VARIABLES.audience]: "app",
    [VARIABLES.claims]: JSON.stringify({
      tenant: "org_id",
      permissions: ["realm_access.roles", "https://x.test/roles"],
      audience: "client_id",
    }),
  });
  const keys = trust({ publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() }, { clock, log: silent });
  const connect = createConnect({
    authenticate: createVerifier(keys, rules, { clock, log: silent }),
    connections: engine.connections,
    places: engine.places,
    connectionsPerUser: 256,
    delayQueue: engine.delayQueue,
    allowedOrigins: [],
    now: clock.now,
  });
  const connection = async (id: string, claims: object): Promise<unknown> => {
    const token = await new SignJWT({ ...claims, exp: Math.floor(clock.now() / 1_000) + 3_600 })
      .setProtectedHeader({ alg: "EdDSA" })
      .sign(privateKey);
    await connect(connectEvent(id, { headers: { authorization: `Bearer ${token}` } }));
    return engine.connections.get(id);
  };
  const claims = { sub: "alice", iss: "https://b.test/acme", client_id: "app", org_id: "acme", realm_access: { roles: ["r"] } };
  expect(await connection("c1", { ...claims, "https://x.test/roles": ["s"] })).toMatchObject({
    owner: { tenantId: "acme", userId: "alice" },
    permissions: ["r", "s"],
  });
  expect(await connection("c2", { ...claims, iss: "https://a.test", org_id: undefined })).toBeUndefined();
  expect(await connection("c3", { ...claims, iss: "https://b.test/other" })).toBeUndefined();
  expect(await connection("c4", { ...claims, client_id: "another" })).toBeUndefined();
});
