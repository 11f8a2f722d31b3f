/** The key set of an identity provider that fails: against the verifier, and against a real server. */
import { mkdtemp, rm } from "node:fs/promises";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createVerifier, trust, type Authenticate } from "@streamer/auth";
import { createManualClock, type ManualClock } from "@streamer/contract/clock";
import type { Log } from "@streamer/core";
import { startServer } from "../src/server/server.ts";
import { connectClient } from "./client.ts";
import { greet } from "./fixture-handlers.ts";

const pairs = new Map(["k1", "k2", "k3"].map((kid) => [kid, generateKeyPairSync("ec", { namedCurve: "P-256" })]));
const jwk = (kid: string) => ({ ...pairs.get(kid)!.publicKey.export({ format: "jwk" }), kid, alg: "ES256" });
const sign = (kid: string, header: object = { kid }): Promise<string> =>
  new SignJWT({ sub: "ann" })
    .setProtectedHeader({ alg: "ES256", ...header })
    .setExpirationTime("30d")
    .sign(pairs.get(kid)!.privateKey);

const serving =
  (...kids: readonly string[]): RequestListener =>
  (_, response) =>
    void response.end(JSON.stringify({ keys: kids.map(jwk) }));

/** What a provider in trouble answers. */
const OUTAGES: Readonly<Record<string, RequestListener>> = {
  "status 500": (_, response) => void response.writeHead(500).end("down"),
  "status 503 with keys": (_, response) => void response.writeHead(503).end(JSON.stringify({ keys: [jwk("k1")] })),
  "a redirect": (_, response) => void response.writeHead(302, { location: "/login" }).end(),
  HTML: (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Maintenance</h1>"),
  "JSON that is no key set": (_, response) => void response.end('{"error":"down"}'),
  null: (_, response) => void response.end("null"),
  "no keys": (_, response) => void response.end('{"keys":[]}'),
  "half an answer": (_, response) => {
    response.writeHead(200, { "content-length": 1_000 });
    response.write('{"keys":[', () => response.destroy());
  },
  "a closed connection": (request) => void request.socket.destroy(),
  "an endless answer": (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(" ".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  },
};

let provider: HttpServer;
let url: string;
let fetches = 0;
let answer: RequestListener;
let clock: ManualClock;
const lines: string[] = [];
const keep = (_: unknown, message: string): void => void lines.push(message);
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };

beforeEach(async () => {
  fetches = 0;
  lines.length = 0;
  clock = createManualClock(Date.now());
  provider = createServer((request, response) => {
    fetches += 1;
    answer(request, response);
  });
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/keys`;
});
afterEach(() => {
  provider.closeAllConnections();
  provider.close();
});

const verifier = (): Authenticate => createVerifier(trust({ jwks: url }, { clock, log }), {}, { clock, log });
const told = async (by: Authenticate, token: string): Promise<string> => {
  const authentication = await by(token);
  return authentication.ok ? authentication.identity.owner.userId : authentication.error.code;
};

describe("a key set that cannot be fetched", () => {
  it.each(Object.keys(OUTAGES))(
    "(%s) is no bad token: SERVICE_UNAVAILABLE, retryable, logged once, and over when it is over",
    async (outage) => {
      answer = OUTAGES[outage]!;
      const by = verifier();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const authentication = await by(await sign("k1"));
        expect(authentication).toMatchObject({
          ok: false,
          error: { code: "SERVICE_UNAVAILABLE", retry: { retryable: true, after_ms: expect.any(Number) as number } },
        });
      }
      // The others came within a second of its failure.
      expect(fetches).toBe(1);
      expect(lines).toEqual(["the key set cannot be fetched: no token can be verified"]);
      answer = serving("k1");
      await clock.advance(1_001);
      expect(await told(by, await sign("k1"))).toBe("ann");
      expect(lines.at(-1)).toBe("the key set can be fetched again");
    },
  );

  it.each(Object.keys(OUTAGES))("(%s) leaves the keys at hand verifying, however old, and says nothing about others", async (outage) => {
    answer = serving("k1");
    const by = verifier();
    expect(await told(by, await sign("k1"))).toBe("ann");
    answer = OUTAGES[outage]!;
    await clock.advance(2_000);
    expect(await told(by, await sign("k2"))).toBe("SERVICE_UNAVAILABLE");
    for (const ms of [1, 11 * 60_000, 24 * 3_600_000]) {
      await clock.advance(ms);
      expect(await told(by, await sign("k1"))).toBe("ann");
    }
    expect(lines).toContain("the key set cannot be fetched; the keys fetched before are still used");
    expect(await told(by, "not.a.token")).toBe("UNAUTHORIZED");
  });

  it("is asked for once, however many tokens come, and no longer than five seconds", async () => {
    answer = () => {};
    const by = verifier();
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 50 }, async () => told(by, await sign("k1"))));
    expect(new Set(answers)).toEqual(new Set(["SERVICE_UNAVAILABLE"]));
    expect(fetches).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
  });
});

describe("a key that is not in the set", () => {
  it("is asked for anew at once, and is UNAUTHORIZED when a set fetched since does not have it either", async () => {
    answer = serving("k1");
    const by = verifier();
    expect(await told(by, await sign("k1"))).toBe("ann");
    answer = serving("k1", "k2");
    await clock.advance(1_001);
    expect(await told(by, await sign("k2"))).toBe("ann");
    await clock.advance(1_001);
    expect(await told(by, await sign("k3"))).toBe("UNAUTHORIZED");
    expect(fetches).toBe(3);
  });

  it("right behind a fetch waits for the next, at most one a second", async () => {
    answer = serving("k1");
    const by = verifier();
    await told(by, await sign("k1"));
    answer = serving("k2");
    await clock.advance(10);
    const tokens = [await sign("k2"), await sign("k3"), await sign("k2")];
    const waiting = Promise.all(tokens.map((token) => told(by, token)));
    await clock.advance(980);
    expect(fetches).toBe(1);
    await clock.advance(20);
    expect(await waiting).toEqual(["ann", "UNAUTHORIZED", "ann"]);
    expect(fetches).toBe(2);
    // And what was withdrawn is known no longer.
    await clock.advance(1_001);
    expect(await told(by, await sign("k1"))).toBe("UNAUTHORIZED");
  });

  it("is tried among all that fit when the token names none", async () => {
    answer = serving("k1", "k2");
    const by = verifier();
    expect(await told(by, await sign("k2", {}))).toBe("ann");
    await clock.advance(1_001);
    expect(await told(by, await sign("k3", {}))).toBe("UNAUTHORIZED");
  });
});

it("a server fetches its keys at the start, says that it has none, and is ready once they are there, though nobody came", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-keys-"));
  answer = OUTAGES["status 500"]!;
  const server = await startServer({ handlers: [greet], dataFolder, log, auth: { jwks: url } });
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(server.httpUrl + path);
    return [response.status, await response.json()];
  };
  try {
    await vi.waitFor(() => expect(lines).toContain("the key set cannot be fetched: no token can be verified"));
    expect(await ask("/healthz")).toEqual([200, { status: "ok", keys: "missing" }]);
    expect(await ask("/readyz")).toMatchObject([503, { status: "not ready", keys: "missing", problems: [{ name: "keys" }] }]);
    answer = serving("k1");
    await vi.waitFor(async () => expect(await ask("/readyz")).toEqual([200, { status: "ready" }]), { timeout: 10_000, interval: 100 });
    expect(await ask("/healthz")).toEqual([200, { status: "ok" }]);
    expect(lines).toContain("the key set can be fetched again");
  } finally {
    await server.stop();
    await rm(dataFolder, { recursive: true });
  }
});

it("a server tells an outage with 1012 and HTTP 503, and takes the same token when it is over", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-keys-"));
  answer = OUTAGES["HTML"]!;
  const server = await startServer({ handlers: [greet], dataFolder, log, auth: { jwks: url } });
  try {
    const token = await sign("k1");
    const refused = connectClient(server.url, token);
    expect((await refused.message("error")).error).toMatchObject({ code: "SERVICE_UNAVAILABLE", retry: { retryable: true } });
    expect(await refused.closed).toMatchObject({ code: 1012 });
    const http = await fetch(`${server.httpUrl}/asyncapi.json`, { headers: { authorization: `Bearer ${token}` } });
    expect([http.status, http.headers.get("retry-after")]).toEqual([503, "2"]);
    answer = serving("k1");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const client = connectClient(server.url, token);
    await client.message("welcome");
    client.socket.close();
  } finally {
    await server.stop();
    await rm(dataFolder, { recursive: true });
  }
});
