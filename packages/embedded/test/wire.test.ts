/** The embedded server speaks docs/protocol.md: the conformance suite over real sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wireContract, wireHandlers } from "@streamer/contract";
import { afterAll, beforeAll } from "vitest";
import { startServer, type Server } from "../src/server/server.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-wire-"));
let server: Server;
beforeAll(async () => {
  server = await startServer({ handlers: wireHandlers, dataFolder: folder, logLevel: "error" });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

wireContract(() => ({
  url: server.url,
  token: (userId, tenantId = "acme") => server.developmentToken({ userId, tenantId }),
}));
