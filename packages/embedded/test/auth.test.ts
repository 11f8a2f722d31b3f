import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT, UnsecuredJWT, type JWTPayload } from "jose";
import { afterAll, describe, expect, it } from "vitest";
import type { Log } from "@streamer/core";
import { readToken, type AuthOptions } from "@streamer/auth";
import { createAuth, type Auth } from "../src/server/auth.ts";
import { systemClock } from "../src/clock.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-auth-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const secret = "0123456789abcdef0123456789abcdef";
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const auth = (options?: AuthOptions): Auth => createAuth(options, folder, { clock: systemClock, log: silent });
const soon = Math.floor(Date.now() / 1_000) + 60;

const pairs = {
  RS256: generateKeyPairSync("rsa", { modulusLength: 2_048 }),
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: generateKeyPairSync("ed25519"),
};
type Algorithm = keyof typeof pairs;
const pemOf = (algorithm: Algorithm): string => pairs[algorithm].publicKey.export({ type: "spki", format: "pem" }).toString();
const sign = (claims: JWTPayload, algorithm: Algorithm = "ES256"): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: algorithm }).sign(pairs[algorithm].privateKey);
const signWithSecret = (claims: JWTPayload, key = secret): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(key));

const accepted = async (by: Auth, token: string | undefined): Promise<unknown> => {
  const answer = await by.authenticate(token);
  return answer.ok ? answer.identity : answer.error;
};

describe("tokens", () => {
  it.each(Object.keys(pairs) as Algorithm[])("signed by %s are accepted by the matching public key, and by no other", async (algorithm) => {
    const token = await sign({ sub: "ann", tenant_id: "acme", permissions: ["reports"], exp: soon }, algorithm);
    const identity = { owner: { tenantId: "acme", userId: "ann" }, permissions: ["reports"] };
    for (const configured of Object.keys(pairs) as Algorithm[]) {
      const answer = await accepted(auth({ publicKey: pemOf(configured) }), token);
      expect({ configured, answer }).toMatchObject({ configured, answer: configured === algorithm ? identity : { code: "UNAUTHORIZED" } });
    }
  });

  it("are accepted by a key set, from a file and from a URL", async () => {
    const keys = Object.entries(pairs).map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: "jwk" }), kid }));
    const path = join(folder, "keys.json");
    writeFileSync(path, JSON.stringify({ keys }));
    const http = createServer((_, response) => response.end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    for (const jwks of [path, `http://127.0.0.1:${(http.address() as AddressInfo).port}/`]) {
      const verifier = auth({ jwks });
      for (const algorithm of Object.keys(pairs) as Algorithm[]) {
        expect(await verifier.authenticate(await sign({ sub: "ann", exp: soon }, algorithm))).toMatchObject({ ok: true });
      }
      expect(await accepted(verifier, await signWithSecret({ sub: "ann", exp: soon }))).toMatchObject({ code: "UNAUTHORIZED" });
    }
    http.close();
  });

  it("HS256 is accepted only with a secret, which has to be long enough", async () => {
    const token = await signWithSecret({ sub: "ann", exp: soon });
    expect(await auth({ secret }).authenticate(token)).toMatchObject({ ok: true });
    expect(await accepted(auth({ secret: secret.replace("0", "1") }), token)).toMatchObject({ code: "UNAUTHORIZED" });
    expect(() => auth({ secret: "short" })).toThrow("The token secret has 5 bytes; HS256 needs at least 32.");
  });

  it("never choose their algorithm: not the public key as a secret, nor none at all", async () => {
    const confused = await signWithSecret({ sub: "ann", exp: soon }, pemOf("RS256"));
    const unsigned = new UnsecuredJWT({ sub: "ann", exp: soon }).encode();
    for (const token of [confused, unsigned, "", "x", "a.b.c", "\uD800.x.y"]) {
      for (const options of [{ publicKey: pemOf("RS256") }, { secret }]) {
        expect({ token, answer: await accepted(auth(options), token) }).toMatchObject({ token, answer: { code: "UNAUTHORIZED" } });
      }
    }
  });

  it.each<[string, JWTPayload]>([
    ["no subject", { exp: soon }],
    ["an empty subject", { sub: "", exp: soon }],
    ["an overlong subject", { sub: "a".repeat(257), exp: soon }],
    ["a subject that is no text", { sub: 7 as never, exp: soon }],
    ["a subject with a lone surrogate", { sub: "\uD800", exp: soon }],
    ["a tenant that is no text", { sub: "ann", tenant_id: ["acme"], exp: soon }],
    ["permissions that are no array", { sub: "ann", permissions: "all", exp: soon }],
    ["permissions that are no strings", { sub: "ann", permissions: [1], exp: soon }],
    ["no expiry", { sub: "ann" }],
    ["an expiry in the past", { sub: "ann", exp: soon - 3_600 }],
    ["a start in the future", { sub: "ann", exp: soon, nbf: soon }],
    ["another issuer", { sub: "ann", exp: soon, iss: "them", aud: "us" }],
    ["another audience", { sub: "ann", exp: soon, iss: "us", aud: "them" }],
  ])("with %s are refused, with a reason", async (_, claims) => {
    const verifier = auth({ publicKey: pemOf("ES256"), issuer: "us", audience: "us" });
    const answer = await accepted(verifier, await sign({ iss: "us", aud: "us", ...claims }));
    expect(answer).toMatchObject({ code: "UNAUTHORIZED", message: expect.stringMatching(/claims|must be|expired/) });
  });

  it("without expiry are accepted where that is allowed; the tenant is `default` unless said", async () => {
    const verifier = auth({ publicKey: pemOf("ES256"), allowNoExpiry: true });
    expect(await accepted(verifier, await sign({ sub: "ann" }))).toEqual({
      owner: { tenantId: "default", userId: "ann" },
      permissions: [],
    });
  });

  it("are judged in the turn in which they come, but where somebody else has to be asked", async () => {
    const token = await signWithSecret({ sub: "ann", exp: soon });
    for (const options of [{ secret }, { secret: `${secret}x` }, { secret, revoked: () => false }])
      expect(auth(options).authenticate(token)).not.toBeInstanceOf(Promise);
    expect(auth({ secret, revoked: async () => false }).authenticate(token)).toBeInstanceOf(Promise);
  });

  it("for development are made with a key of the data folder's own, kept from other users and across starts", async () => {
    const token = await auth().developmentToken({ userId: "dev", permissions: ["reports"], expiresInMs: 60_000 });
    expect(await accepted(auth(), token)).toMatchObject({ owner: { tenantId: "default", userId: "dev" }, permissions: ["reports"] });
    expect(statSync(join(folder, "development-key.pem")).mode & 0o777).toBe(0o600);
    await expect(auth({ secret }).developmentToken({ userId: "dev" })).rejects.toThrow(/trusts keys of your own/);
    expect(await accepted(auth(), undefined)).toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringContaining("No token was given"),
    });
  });

  it("are read from the header, a subprotocol entry or the query", () => {
    const read = (headers: Record<string, string>, url = "/"): string | undefined => readToken({ headers, url });
    expect(read({ authorization: "Bearer a.b.c" })).toBe("a.b.c");
    expect(read({ "sec-websocket-protocol": "streamer.v1, bearer.a.b.c" })).toBe("a.b.c");
    expect(read({}, "/?token=a.b.c")).toBe("a.b.c");
    expect(read({}, "/?Authorization=Bearer%20a.b.c")).toBe("a.b.c");
    expect(read({ "sec-websocket-protocol": "streamer.v1" }, "//")).toBeUndefined();
  });
});
