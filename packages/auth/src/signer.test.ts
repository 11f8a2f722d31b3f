/** Signatures, and all that stands around them, as `jose` judges them, which does so by the standard and knows nothing of us. */
import { createHmac, generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet, type JSONWebKeySet } from "jose";
import { afterAll, describe, expect, it } from "vitest";
import type { Log } from "@streamer/core";
import { readCompactToken } from "./compact-token.ts";
import { trust, type Verification } from "./keys.ts";
import { readSigned } from "./signer.ts";
import { toTrustedSet } from "./trusted-set.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-signer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const nothing = (): void => {};
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const parts = { clock: { now: Date.now, monotonic: () => 0, after: () => nothing }, log };

const secret = Buffer.from("0123456789abcdef0123456789abcdef");
const pairs = {
  RS256: generateKeyPairSync("rsa", { modulusLength: 2_048 }),
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: generateKeyPairSync("ed25519"),
};
const encode = (value: unknown): string => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Signed as `by` says, whatever the header does. */
function tokenOf(header: unknown, by: keyof typeof pairs | "HS256", payload: unknown = { sub: "ann" }): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  const input = Buffer.from(signed);
  const signature =
    by === "HS256"
      ? createHmac("sha256", secret).update(input).digest()
      : sign(by === "EdDSA" ? null : "sha256", input, { key: pairs[by].privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** What was said, whether it was thrown or not: accepted, refused, or that it could not be told. */
async function verdictOf(judge: () => unknown): Promise<string> {
  try {
    return (await judge()) === undefined ? "refused" : "accepted";
  } catch {
    return "not told";
  }
}

const isAcceptedByJose = (token: string, key: unknown, algorithms: readonly string[]): Promise<boolean> =>
  compactVerify(token, key as never, { algorithms: [...algorithms] }).then(
    () => true,
    () => false,
  );

const HEADERS: readonly unknown[] = [
  ...["HS256", "RS256", "ES256", "EdDSA", "Ed25519", "HS384", "PS256", "none", "hs256", "", 7, null].map((alg) => ({ alg })),
  {},
  [],
  null,
  "no JSON",
  '{"alg":"none","alg":"ES256"}',
  '{"alg":"ES256","alg":"none"}',
  { alg: "ES256", crit: ["exp"], exp: 1 },
  { alg: "ES256", crit: [] },
  { alg: "ES256", b64: false },
  { alg: "RS256", typ: "JWT", kid: "anything", x5u: "https://example.com", jwk: { kty: "oct", k: "AA" } },
];

describe("a signature", () => {
  it("is judged as jose judges it, whatever the header says and whoever signed", async () => {
    const keys: readonly [string, Verification, KeyObject | Uint8Array][] = [
      ["secret", trust({ secret }, parts), secret],
      ...Object.entries(pairs).map(([name, { publicKey }]): [string, Verification, KeyObject] => [
        name,
        trust({ publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() }, parts),
        publicKey,
      ]),
    ];
    const accepted: string[] = [];
    for (const [name, verification, key] of keys)
      for (const header of HEADERS)
        for (const by of ["HS256", "RS256", "ES256", "EdDSA"] as const) {
          const token = tokenOf(header, by);
          const what = `${name}, ${JSON.stringify(header)} by ${by}`;
          const isAccepted = (await verdictOf(() => readSigned(token, verification))) === "accepted";
          expect([what, isAccepted]).toEqual([what, await isAcceptedByJose(token, key, verification.algorithms)]);
          if (isAccepted) accepted.push(what);
        }
    expect(accepted).toHaveLength(8);
  });

  it("holds for no other text than the one that was signed: no bit of it, no other spelling of it", () => {
    for (const by of ["HS256", "RS256", "ES256", "EdDSA"] as const) {
      const verification =
        by === "HS256"
          ? trust({ secret }, parts)
          : trust({ publicKey: pairs[by].publicKey.export({ type: "spki", format: "pem" }).toString() }, parts);
      const token = tokenOf({ alg: by }, by);
      expect(readSigned(token, verification)).toMatchObject({ header: { alg: by } });
      const changes = Array.from(token, (_, at) =>
        ["A", "B", "_", ".", "=", "+", "é", ""].map((other) => token.slice(0, at) + other + token.slice(at + 1)),
      );
      for (const changed of changes.flat().filter((text) => text !== token)) expect(readSigned(changed, verification)).toBeUndefined();
      for (const changed of [`${token}.`, `${token}A`, `.${token}`, ` ${token}`, `${token}\n`, token.toLowerCase()])
        expect(readSigned(changed, verification)).toBeUndefined();
    }
  });

  it("of a payload that is no UTF-8, or begins with a mark of byte order, is one of no claims", () => {
    for (const header of [Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from('\uFEFF{"alg":"HS256"}')])
      expect(readCompactToken(`${header.toString("base64url")}..`)).toBeUndefined();
  });
});

describe("a key set", () => {
  const jwk = (name: keyof typeof pairs, more: object = {}): JsonWebKey => ({
    ...pairs[name].publicKey.export({ format: "jwk" }),
    ...more,
  });
  const SETS: Readonly<Record<string, readonly JsonWebKey[]>> = {
    "one key of each kind": [jwk("RS256"), jwk("ES256"), jwk("EdDSA")],
    "named keys": [jwk("ES256", { kid: "a" }), jwk("EdDSA", { kid: "b" })],
    "several under one name": [
      jwk("ES256", { kid: "a" }),
      { ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }), kid: "a" },
    ],
    "keys for other uses": [jwk("ES256", { use: "enc" }), jwk("EdDSA", { key_ops: ["sign"] }), jwk("RS256", { alg: "RS512" })],
    "keys for this use": [jwk("ES256", { use: "sig" }), jwk("EdDSA", { key_ops: ["verify"] }), jwk("RS256", { alg: "RS256" })],
    "an algorithm under its other name": [jwk("EdDSA", { alg: "Ed25519" })],
    "a key that is none": [{ kty: "EC", crv: "P-256", x: "AA", y: "AA" }],
    "a private key": [pairs.ES256.privateKey.export({ format: "jwk" })],
    "a private key beside another": [pairs.ES256.privateKey.export({ format: "jwk" }), jwk("ES256")],
    "a secret": [{ kty: "oct", k: secret.toString("base64url") }],
    "another curve": [generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" })],
    "a short key": [generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey.export({ format: "jwk" })],
  };

  it.each(Object.keys(SETS))("of %s verifies what it does for jose", async (name) => {
    const set = { keys: SETS[name]! };
    const path = join(folder, "set.json");
    writeFileSync(path, JSON.stringify(set));
    const verification = trust({ jwks: path }, parts);
    const find = createLocalJWKSet(set as JSONWebKeySet);
    for (const alg of ["RS256", "ES256", "EdDSA", "Ed25519", "HS256"])
      for (const kid of [undefined, "a", "b", "c", 7]) {
        const token = tokenOf({ alg, kid }, alg === "Ed25519" ? "EdDSA" : (alg as keyof typeof pairs));
        const isAccepted = (await verdictOf(() => readSigned(token, verification))) === "accepted";
        const isExpected = await compactVerify(token, find, { algorithms: [...verification.algorithms] }).then(
          () => true,
          async (error: { readonly code?: string; [Symbol.asyncIterator]?: () => AsyncIterator<CryptoKey> }) => {
            if (error.code !== "ERR_JWKS_MULTIPLE_MATCHING_KEYS") return false;
            for await (const key of error as AsyncIterable<CryptoKey>)
              if (await isAcceptedByJose(token, key, verification.algorithms)) return true;
            return false;
          },
        );
        expect([alg, kid, isAccepted]).toEqual([alg, kid, isExpected]);
      }
  });

  it("knows its keys by their thumbprints, however they are spelt", async () => {
    const given = [jwk("RS256", { kid: "a" }), jwk("ES256", { use: "sig" }), jwk("EdDSA", { alg: "EdDSA" })];
    const set = toTrustedSet({ keys: given });
    for (const key of given) expect(set.holds(await calculateJwkThumbprint(key as never))).toBe(true);
    expect(set.holds("another")).toBe(false);
    expect(toTrustedSet({ keys: given.toReversed() }).version).toBe(set.version);
  });
});

interface Vectors {
  readonly testGroups: readonly {
    readonly public?: JsonWebKey;
    readonly private: JsonWebKey;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly jws: string;
      readonly result: "valid" | "invalid";
    }[];
  }[];
}
const vectorsPath = join(import.meta.dirname, "../../../../shared/suites/wycheproof-jws/json_web_signature_test.json");

const hasVectors = existsSync(vectorsPath);
if (!hasVectors) console.log("Wycheproof's JWS vectors are not beside this checkout (../shared/suites): their test does not run.");

// Not `skipIf`: where there are no vectors there is no such test.
for (const path of hasVectors ? [vectorsPath] : []) {
  it("accepts no forged signature of Wycheproof's, and the valid ones of our algorithms", async () => {
    const { testGroups } = JSON.parse(readFileSync(path, "utf8")) as Vectors;
    const wrong: string[] = [];
    const counts = { accepted: 0, refused: 0 };
    for (const { public: publicJwk, private: privateJwk, tests } of testGroups) {
      const trusted = trustJwk(publicJwk ?? privateJwk);
      // By text, for 367 and 370 are the same tokens as the valid 357: the padding they are to be refused for got lost.
      const valid = new Set(tests.filter(({ result }) => result === "valid").map(({ jws }) => jws));
      for (const { tcId, comment, jws } of trusted ? tests : []) {
        const isAccepted = (await verdictOf(() => readSigned(jws, trusted!))) === "accepted";
        // We refuse more: algorithms that are not ours for the key, and signs outside base64url (372 and 373).
        const { alg } = readCompactToken(jws)?.header ?? {};
        const isExpected = valid.has(jws) && trusted!.algorithms.some((one) => one === alg);
        if (isAccepted !== isExpected) wrong.push(`${tcId}: ${comment} was ${isAccepted ? "accepted" : "refused"}`);
        counts[isAccepted ? "accepted" : "refused"] += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(counts).toEqual({ accepted: 20, refused: 381 });
  });
}

/** Undefined for a secret that is too short to be trusted. */
function trustJwk(jwk: JsonWebKey): Verification | undefined {
  if (jwk.kty === "oct") {
    const key = Buffer.from(jwk["k"] as string, "base64url");
    return key.length < 32 ? undefined : trust({ secret: key }, parts);
  }
  const path = join(folder, "vector-key.json");
  writeFileSync(path, JSON.stringify({ keys: [jwk] }));
  return trust({ jwks: path }, parts);
}
