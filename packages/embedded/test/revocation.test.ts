/** Tokens that are none for this server, or none any more: by kind, by time, by their key, by what was revoked. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuard, trust, type Guard, type TokenRules } from "@streamer/auth";
import { createManualClock, type ManualClock } from "@streamer/contract/clock";
import type { Log } from "@streamer/core";
import { startServer } from "../src/server/server.ts";
import { createReviews } from "../src/server/reviews.ts";
import { connectClient } from "./client.ts";
import { greet } from "./fixture-handlers.ts";

const pairs = new Map(["k1", "k2"].map((kid) => [kid, generateKeyPairSync("ec", { namedCurve: "P-256" })]));
const jwk = (kid: string) => ({ ...pairs.get(kid)!.publicKey.export({ format: "jwk" }), kid, alg: "ES256" });
const soon = (): number => Math.floor(Date.now() / 1_000) + 600;
const sign = (claims: object = {}, header: object = {}, kid = "k1"): Promise<string> =>
  new SignJWT({ sub: "ann", exp: soon(), ...claims }).setProtectedHeader({ alg: "ES256", kid, ...header }).sign(pairs.get(kid)!.privateKey);

let folder: string;
let clock: ManualClock;
const lines: string[] = [];
const keep = (_: unknown, message: string): void => void lines.push(message);
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "streamer-revocation-"));
  clock = createManualClock(Date.now());
  lines.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As who replaces a file that others read does it. */
function write(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, typeof value === "string" ? value : JSON.stringify(value));
  renameSync(`${path}.new`, path);
  return path;
}
const keySet = (...kids: readonly string[]): string => write("keys.json", { keys: kids.map(jwk) });
const guard = (rules: TokenRules = {}, jwks = keySet("k1", "k2")): Guard =>
  createGuard(trust({ jwks }, { clock, log }), rules, { clock, log });
const refusal = async (by: Guard, token: string): Promise<string> => {
  const answer = await by.authenticate(token);
  return answer.ok ? "accepted" : `${answer.error.code}: ${answer.error.message}`;
};

describe("what is no access token", () => {
  it.each(["JWT", "jwt", "at+jwt", "application/at+JWT", undefined])("is not told by type %s", async (typ) => {
    expect(await refusal(guard(), await sign({}, { typ }))).toBe("accepted");
  });

  it.each(["logout+jwt", "id+jwt", "JWE", "dpop+jwt", "", "secevent+jwt"])("is refused by its type: %j", async (typ) => {
    expect(await refusal(guard(), await sign({}, { typ }))).toMatch(/^UNAUTHORIZED: The token is no access token/);
  });

  it.each([
    { typ: "ID" },
    { typ: "Refresh" },
    { typ: "Offline" },
    { typ: "Logout" },
    { token_use: "id" },
    { token_type: "id_token" },
    { at_hash: "x" },
    { events: { "http://schemas.openid.net/event/backchannel-logout": {} } },
  ])("is refused by its claims: %j", async (claims) => {
    expect(await refusal(guard(), await sign(claims))).toMatch(/^UNAUTHORIZED: The token is no access token/);
  });

  it.each([{ typ: "Bearer" }, { token_use: "access" }, { nonce: "n", azp: "app" }])("is not told by other claims: %j", async (claims) => {
    expect(await refusal(guard(), await sign(claims))).toBe("accepted");
  });
});

describe("times", () => {
  /** As text, since no number in JSON is larger. */
  const infinite = async (name: string): Promise<string> => {
    const { CompactSign } = await import("jose");
    const claims = JSON.stringify({ sub: "ann", exp: soon(), [name]: 0 }).replace(new RegExp(`"${name}":\\d+`), `"${name}":1e400`);
    return new CompactSign(Buffer.from(claims)).setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(pairs.get("k1")!.privateKey);
  };

  it.each(["exp", "iat", "nbf"])("must be finite: %s", async (name) => {
    expect(await refusal(guard(), await infinite(name))).toMatch(/^UNAUTHORIZED/);
    expect(await refusal(guard({ allowNoExpiry: true }), await infinite(name))).toMatch(/^UNAUTHORIZED/);
  });

  it("must not lie: a token is not issued in the future, nor lives longer than the longest that is accepted", async () => {
    const now = Math.floor(clock.now() / 1_000);
    expect(await refusal(guard(), await sign({ iat: now + 50 }))).toBe("accepted");
    expect(await refusal(guard(), await sign({ iat: now + 120 }))).toMatch(/"iat" is in the future/);
    expect(await refusal(guard(), await sign({ exp: now + 36_526 * 86_400 }))).toMatch(
      /^UNAUTHORIZED: The token expires in more than 3155760000000 ms/,
    );
    expect(await refusal(guard({ maxLifeMs: 3_600_000 }), await sign({ exp: now + 3_590 }))).toBe("accepted");
    expect(await refusal(guard({ maxLifeMs: 3_600_000 }), await sign({ exp: now + 3_700 }))).toMatch(/3600000 ms/);
    expect(() => guard({ maxLifeMs: 0 })).toThrow(/maxLifeMs/);
  });
});

describe("key sets", () => {
  it("are fetched by https, but for this machine's own", () => {
    for (const jwks of ["http://id.example.com/keys", "HTTP://10.0.0.1/keys", "http://127.example.com/"])
      expect(() => trust({ jwks }, { clock, log })).toThrow(/https/);
    for (const jwks of ["https://id.example.com/keys", "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/"])
      expect(() => trust({ jwks }, { clock, log })).not.toThrow();
  });

  it("of a file that is too large, or of too many keys, are refused at the start and passed over later", async () => {
    expect(() => guard({}, write("a.json", { keys: Array.from({ length: 65 }, () => jwk("k1")) }))).toThrow(/65 keys; at most 64/);
    expect(() => guard({}, write("b.json", `{"keys":[],"x":"${"x".repeat(1_048_576)}"}`))).toThrow(/at most 1048576/);
    expect(() => guard({}, write("c.json", "{"))).toThrow(/c.json cannot be read: it is not JSON/);
    const by = guard({}, keySet("k1"));
    for (const broken of ["{", '{"keys":[]}', `{"x":"${"x".repeat(1_048_576)}"}`]) {
      write("keys.json", broken);
      await clock.advance(1_000);
      expect(await refusal(by, await sign())).toBe("accepted");
    }
    expect(lines.filter((line) => line.includes("cannot be read again"))).toHaveLength(1);
    keySet("k2");
    await clock.advance(1_000);
    expect(await refusal(by, await sign())).toMatch(/^UNAUTHORIZED/);
    expect(await refusal(by, await sign({}, {}, "k2"))).toBe("accepted");
  });

  it("that lose a key lose what it has opened, even when another comes under its name", async () => {
    const by = guard();
    const opened = await by.authenticate(await sign());
    if (!opened.ok) throw new Error("refused");
    expect(await (await by.review())(opened.credential)).toBeUndefined();
    write("keys.json", { keys: [{ ...jwk("k2"), kid: "k1" }] });
    await clock.advance(1_000);
    expect(await (await by.review())(opened.credential)).toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringMatching(/trusted no more/) as string,
    });
  });
});

describe("revocation", () => {
  const list = (value: unknown): string => write("revoked.json", value);

  it("is by token, user or tenant, and read again when the file changes", async () => {
    const by = guard({ revoked: list({ jti: ["t1"] }) });
    expect(await refusal(by, await sign({ jti: "t1" }))).toMatch(/^UNAUTHORIZED: The token was revoked/);
    expect(await refusal(by, await sign({ jti: "t2" }))).toBe("accepted");
    list({ sub: ["ann"], tenant_id: ["acme"] });
    expect(await refusal(by, await sign({ jti: "t2" }))).toBe("accepted");
    await clock.advance(1_000);
    expect(await refusal(by, await sign({ jti: "t2" }))).toMatch(/revoked/);
    expect(await refusal(by, await sign({ sub: "bob", tenant_id: "acme" }))).toMatch(/revoked/);
    expect(await refusal(by, await sign({ sub: "bob" }))).toBe("accepted");
    // What is misspelt while somebody writes it takes nothing back.
    list({ subs: [] });
    await clock.advance(1_000);
    expect(await refusal(by, await sign())).toMatch(/revoked/);
  });

  it("is refused at the start when it cannot be read", () => {
    for (const wrong of [{ subject: ["ann"] }, { sub: "ann" }, [], "x"])
      expect(() => guard({ revoked: list(wrong) })).toThrow(/list of revoked tokens/);
    expect(() => guard({ revoked: join(folder, "none.json") })).toThrow(/none.json/);
  });

  it("may be asked of a function; while that fails nobody is let in, and nobody is sent away", async () => {
    let answer: () => boolean | Promise<boolean> = () => false;
    const asked: unknown[] = [];
    const by = guard({ revoked: (token) => (asked.push(token), answer()) });
    const opened = await by.authenticate(await sign({ jti: "t1", iat: 1_700_000_000 }));
    if (!opened.ok) throw new Error("refused");
    expect(asked).toEqual([
      { tokenId: "t1", userId: "ann", tenantId: "default", issuedAt: 1_700_000_000, keyId: expect.any(String) as string },
    ]);
    answer = () => Promise.reject(new Error("down"));
    expect(await refusal(by, await sign())).toMatch(/^SERVICE_UNAVAILABLE: Whether this token is revoked/);
    expect(await (await by.review())(opened.credential)).toBeUndefined();
    answer = async () => true;
    expect(await (await by.review())(opened.credential)).toMatchObject({ code: "UNAUTHORIZED" });
  });
});

it("open connections are looked at twice a minute and more", async () => {
  const revoked = new Set<string>();
  const ended: string[] = [];
  const open = ["gone", ...Array.from({ length: 200 }, (_, n) => `${n}`)].map((name) => ({
    connectionId: `c${name}`,
    credential: { userId: `u${name}`, tenantId: "t" },
  }));
  const reviews = createReviews({
    clock,
    log,
    open: () => open,
    review: guard({ revoked: ({ userId }) => revoked.has(userId) }).review,
    end: async (connectionId) => void ended.push(connectionId),
  });
  for (const user of ["u3", "u150", "ugone"]) revoked.add(user);
  open.shift();
  await clock.advance(30_000);
  // A round reads key sets and lists: turns of the loop do not say how long that takes.
  await expect.poll(() => ended.toSorted()).toEqual(["c150", "c3"]);
  reviews.stop();
});

it("a server closes what a dropped key and a revoked user have open, says why, and leaves the others", async () => {
  const revoked = write("revoked.json", {});
  const jwks = keySet("k1", "k2");
  const server = await startServer({ handlers: [greet], dataFolder: join(folder, "data"), logLevel: "silent", auth: { jwks, revoked } });
  const [ann, bob, carl] = [
    connectClient(server.url, await sign()),
    connectClient(server.url, await sign({ sub: "bob" }, {}, "k2")),
    connectClient(server.url, await sign({ sub: "carl" }, {}, "k2")),
  ];
  for (const client of [ann, bob, carl]) await client.message("welcome");
  keySet("k2");
  write("revoked.json", { sub: ["bob"] });
  expect(await Promise.all([ann.closed, bob.closed])).toEqual([
    { code: 1008, reason: "UNAUTHORIZED" },
    { code: 1008, reason: "UNAUTHORIZED" },
  ]);
  expect(ann.messages.at(-1)).toMatchObject({
    type: "error",
    error: { code: "UNAUTHORIZED", message: expect.stringMatching(/trusted no more/) as string },
  });
  expect(bob.messages.at(-1)).toMatchObject({ type: "error", error: { message: expect.stringMatching(/revoked/) as string } });
  carl.send({ type: "request", id: "1", action: "greet", payload: { name: "Carl" } });
  await carl.message("response", "1");
  expect((await connectClient(server.url, await sign()).message("error")).error.code).toBe("UNAUTHORIZED");
  await server.stop();
});
