/** streamer doctor, in process: against a real server, and against everything that is not one. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signToken } from "@streamer/auth";
import { defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { clockFinding, tlsHint } from "../src/doctor/network.ts";
import { nodeFinding, tokenFinding } from "../src/doctor/local.ts";
import { jsonLines } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const echo = defineHandler({ action: "echo", input: z.unknown(), run: (input) => input });
const folder = mkdtempSync(join(tmpdir(), "streamer-doctor-"));
const dataFolder = join(folder, "data");
const secret = "s".repeat(32);
const minted = (expiresInMs: number): string =>
  signToken(Buffer.from(secret), { userId: "anna", tenantId: "acme", expiresInMs }, Date.now());
let server: Server;
/** Speaks HTTP, but not WebSocket. */
let page: NetServer;
let pagePort = 0;

beforeAll(async () => {
  server = await startServer({ handlers: [echo], dataFolder, logLevel: "silent" });
  page = createHttp((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
  await once(page, "listening");
  pagePort = (page.address() as AddressInfo).port;
});
afterAll(async () => {
  page.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Report {
  readonly exitCode: number;
  readonly ok: boolean;
  readonly checks: readonly { readonly check: string; readonly status: string; readonly message: string; readonly hint?: string }[];
}

async function examined(...args: readonly string[]): Promise<Report> {
  const ran = streamerHere(["doctor", "--json", ...args]);
  const exitCode = await ran.exitCode;
  return { exitCode, ...(jsonLines(ran.stdout)[0] as unknown as Omit<Report, "exitCode">) };
}
const failureOf = ({ checks }: Report) => checks.find(({ status }) => status === "failed");

it("finds nothing wrong where nothing is, and tells what there is", async () => {
  const ran = streamerHere(["doctor", "--url", server.url, "--data-folder", dataFolder]);
  expect(await ran.exitCode).toBe(0);
  const lines = ran.stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.slice(0, 15).trim())).toEqual(
    ["node", "profile", "data folder", "workers", "address", "token", "name", "port", "tls", "websocket", "welcome", "clock", "server"].map(
      (name) => `✓ ${name}`,
    ),
  );
  expect(lines[2]).toContain("in use by a running server");
  expect(lines[5]).toMatch(/user "developer", tenant "default" \(the development key in .*\), valid for 24 h more/);
  expect(lines.at(-1)).toContain("streamer.v1; frames of 1048576 bytes");
});

it("stops at the first step that fails, says what to do, and exits as the failure says", async () => {
  const token = minted(3_600_000);
  const refused = await examined("--url", "ws://127.0.0.1:9", "--token", token);
  expect([refused.exitCode, refused.ok]).toEqual([4, false]);
  expect(failureOf(refused)).toMatchObject({ check: "port", hint: expect.stringContaining("streamer serve") });
  expect(refused.checks.filter(({ status }) => status === "skipped").map(({ check }) => check)).toEqual(
    expect.arrayContaining(["tls", "websocket", "welcome", "clock", "server"]),
  );

  const unknown = await examined("--url", "wss://nowhere.invalid", "--token", token);
  expect([unknown.exitCode, failureOf(unknown)?.check]).toEqual([4, "name"]);

  const noWebSocket = await examined("--url", `http://127.0.0.1:${pagePort}`, "--token", token);
  expect([noWebSocket.exitCode, failureOf(noWebSocket)?.message]).toEqual([4, "The answer was HTTP 404, not a WebSocket."]);

  const noTls = await examined("--url", `wss://127.0.0.1:${pagePort}`, "--token", token);
  expect([noTls.exitCode, failureOf(noTls)?.hint]).toEqual([4, expect.stringContaining("is it a ws:// address?")]);
  expect(noTls.checks.filter(({ status }) => status === "failed")).toHaveLength(1);

  const untrusted = await examined("--url", server.url, "--token", token);
  expect([untrusted.exitCode, failureOf(untrusted)?.hint]).toEqual([5, expect.stringContaining("trusts another key")]);

  const none = await examined("--url", server.url, "--data-folder", folder);
  expect([none.exitCode, failureOf(none)?.check]).toEqual([5, "token"]);
  expect(none.checks.find(({ check }) => check === "port")?.status).toBe("ok");

  const noAddress = await examined("--url", "nonsense", "--token", token);
  expect([noAddress.exitCode, failureOf(noAddress)?.check]).toEqual([2, "address"]);
});

it("warns of a token that travels in the clear", async () => {
  const { checks } = await examined("--url", "ws://nowhere.invalid", "--token", minted(3_600_000));
  expect(checks.find(({ check }) => check === "address")).toMatchObject({ status: "warning", hint: expect.stringContaining("wss://") });
});

it("tells of a profile that is used, or wrong", async () => {
  const file = join(folder, "streamer", "profiles.json");
  const env = { XDG_CONFIG_HOME: folder };
  mkdirSync(join(folder, "streamer"));
  writeFileSync(file, JSON.stringify({ default: { url: server.url, token: minted(60_000) } }), { mode: 0o600 });
  const used = streamerHere(["doctor"], { env });
  expect(await used.exitCode).toBe(5);
  expect(used.stdout).toContain(`"default" of ${file}`);
  expect(used.stdout).toContain(`${server.url}/ (profile "default")`);
  expect(used.stdout).toMatch(/! token +user "anna", tenant "acme" \(profile "default"\), valid for (59|60) s more/);
  writeFileSync(file, "{");
  const wrong = streamerHere(["doctor", "--url", server.url, "--data-folder", dataFolder], { env });
  expect(await wrong.exitCode).toBe(2);
  expect(wrong.stdout).toMatch(/✗ profile +.*cannot be read as JSON/);
});

describe("findings", () => {
  it("of tokens", async () => {
    const now = Date.now();
    expect(tokenFinding(minted(-3_600_000), "--token", now)).toMatchObject({
      status: "failed",
      exitCode: 5,
      message: expect.stringMatching(/expired 60 min ago/),
    });
    expect(tokenFinding(minted(3_600_000), "--token", now)).toMatchObject({ status: "ok", facts: { token: expect.any(String) } });
    expect(tokenFinding("a.b", "--token", now).message).toContain("not a JSON Web Token");
    const claims = (value: object): string => `e30.${Buffer.from(JSON.stringify(value)).toString("base64url")}.x`;
    expect(tokenFinding(claims({ exp: 1 }), "--token", now).message).toContain('no "sub"');
    expect(tokenFinding(claims({ sub: "anna" }), "--token", now)).toMatchObject({ status: "warning" });
  });

  it("of clocks, certificates and Node", () => {
    expect(clockFinding(-4_000).status).toBe("ok");
    expect(clockFinding(120_000)).toMatchObject({ status: "warning", message: "this machine's is 2 min ahead of the server's" });
    expect(tlsHint("SELF_SIGNED_CERT_IN_CHAIN")).toContain("NODE_EXTRA_CA_CERTS");
    expect(tlsHint("CERT_HAS_EXPIRED")).toContain("renew");
    expect(tlsHint("ERR_TLS_CERT_ALTNAME_INVALID")).toContain("another name");
    expect([nodeFinding("v24.1.0").status, nodeFinding("v20.19.0").status]).toEqual(["ok", "failed"]);
  });
});
