/**
 * The wire suite against any server, by its address: docs/protocol.md §12. Run by `npm run test:wire`.
 */
import { createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { describe } from "vitest";
import { API_GATEWAY, DIRECT, wireContract } from "../src/index.ts";

const { STREAMER_URL: url, STREAMER_SIGNING_KEY: keyFile, STREAMER_SECRET: secret, STREAMER_TRANSPORT: transport } = process.env;

function signingKey(): KeyObject {
  if (keyFile) return createPrivateKey(readFileSync(keyFile));
  if (secret) return createSecretKey(Buffer.from(secret));
  throw new Error(
    "Set STREAMER_SIGNING_KEY (file of the private key, PEM) or STREAMER_SECRET: what signs the tokens that the server accepts.",
  );
}

if (!url) throw new Error("Set STREAMER_URL: the server's address, ws://… or wss://….");
if (transport && transport !== "api-gateway")
  throw new Error('STREAMER_TRANSPORT is "api-gateway", or not set: a socket of the server\'s own.');
const key = signingKey();
const ALGORITHMS: Readonly<Record<string, string>> = { rsa: "RS256", ec: "ES256", ed25519: "EdDSA" };
const token = (user: string, tenant = "acme"): Promise<string> =>
  new SignJWT({ tenant_id: tenant })
    .setProtectedHeader({ alg: key.type === "secret" ? "HS256" : (ALGORITHMS[key.asymmetricKeyType!] ?? "EdDSA") })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key);

describe(`the server at ${url}`, () => {
  wireContract(() => ({ url, token }), transport ? API_GATEWAY : DIRECT);
});
