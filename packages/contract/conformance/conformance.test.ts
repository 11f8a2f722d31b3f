/**
 * The wire suite against any server, by its address: docs/protocol.md §12. Run by `npm run test:wire`.
 */
import { describe } from "vitest";
import { API_GATEWAY, DIRECT, wireContract } from "../src/index.ts";
import { createSigner } from "./access.ts";

const { STREAMER_URL: url, STREAMER_SIGNING_KEY: keyFile, STREAMER_SECRET: secret, STREAMER_TRANSPORT: transport } = process.env;

if (!url) throw new Error("Set STREAMER_URL: the server's address, ws://… or wss://….");
if (transport && transport !== "api-gateway")
  throw new Error('STREAMER_TRANSPORT is "api-gateway", or not set: a socket of the server\'s own.');
const token = createSigner({ keyFile, secret });

describe(`the server at ${url}`, () => {
  wireContract(() => ({ url, token }), transport ? API_GATEWAY : DIRECT);
});
