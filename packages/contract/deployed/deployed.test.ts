/**
 * The wire suite against a deployment: STREAMER_URL names it (`wss://…`), STREAMER_SIGNING_KEY the file of a private key
 * (PEM, PKCS 8) whose tokens it accepts. Run by `npm run test:deployed`. STREAMER_TRANSPORT=direct says that no API
 * Gateway is in front of it. It has to serve `wireHandlers`, as `-c handlers=…` of apps/infra makes it.
 */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { describe } from "vitest";
import { API_GATEWAY, DIRECT, wireContract } from "../src/index.ts";

const { STREAMER_URL: url, STREAMER_SIGNING_KEY: keyFile } = process.env;
if (!url || !keyFile) {
  throw new Error("Set STREAMER_URL (the deployment, wss://…) and STREAMER_SIGNING_KEY (file of the private key that signs its tokens).");
}
const key = createPrivateKey(readFileSync(keyFile));
const ALGORITHMS: Readonly<Record<string, string>> = { rsa: "RS256", ec: "ES256", ed25519: "EdDSA" };
const token = (user: string, tenant = "acme"): Promise<string> =>
  new SignJWT({ tenant_id: tenant })
    .setProtectedHeader({ alg: ALGORITHMS[key.asymmetricKeyType ?? ""] ?? "EdDSA" })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key);

describe(`the deployment at ${url}`, () => {
  wireContract(() => ({ url, token }), process.env["STREAMER_TRANSPORT"] === "direct" ? DIRECT : API_GATEWAY);
});
