/** A key set as it was read: of bounded size, with a name for each key by which its tokens can be recognised later. */
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { asError } from "@streamer/core";
import type { Claims } from "./compact-token.ts";
import { algorithmsOf, type Algorithm } from "./signature.ts";

export const MAX_KEY_SET_BYTES = 1_048_576;
/** A token that names no key is tried with each that fits. */
const MAX_KEYS = 64;
/** By key type, what makes a key the one it is (RFC 7638 §3.2), in the order in which it is hashed. */
const REQUIRED_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ["e", "kty", "n"],
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
};

/** JSON objects, as they were given. */
export interface GivenKeySet {
  readonly keys: readonly Claims[];
}

/** A key that may have signed a token. */
export interface TrustedKey {
  /** Undefined where the set has one that cannot be read. */
  readonly key: KeyObject | undefined;
  /** Its thumbprint (RFC 7638): the key itself and not the `kid` it goes by, under which another may come. */
  readonly id?: string;
}

export interface TrustedSet {
  /** Those that a token may be of by what its header says; several where it names none. */
  find(header: Claims, algorithm: Algorithm): readonly TrustedKey[];
  readonly keyCount: number;
  /** Another number for other keys, below 2^48. */
  readonly version: number;
  holds(keyId: string): boolean;
}

/** Throws an error that says what the text is instead. */
export function parseKeySet(text: string): GivenKeySet {
  let set: { readonly keys?: unknown } | null;
  try {
    set = JSON.parse(text) as { readonly keys?: unknown } | null;
  } catch (error) {
    throw new Error(`it is not JSON: ${asError(error).message}`, { cause: error });
  }
  const keys: unknown = set?.keys;
  if (!Array.isArray(keys) || !keys.every(isObject)) throw new Error("it is not a key set");
  if (keys.length === 0) throw new Error("it holds no keys");
  if (keys.length > MAX_KEYS) throw new Error(`it holds ${keys.length} keys; at most ${MAX_KEYS} are taken`);
  return { keys };
}

const isObject = (value: unknown): value is Claims => typeof value === "object" && value !== null && !Array.isArray(value);

export function toTrustedSet({ keys }: GivenKeySet): TrustedSet {
  const all = keys.map((given) => ({ given, ...readKey(given) }));
  const keyIds = new Set(all.map(({ id }) => id));
  const version = createHash("sha256")
    .update(JSON.stringify(Array.from(keyIds, String).toSorted((one, other) => (one < other ? -1 : 1))))
    .digest()
    .readUIntBE(0, 6);
  return {
    keyCount: keys.length,
    version,
    holds: (keyId) => keyIds.has(keyId),
    find: ({ kid }, algorithm) => all.filter(({ given }) => isNamed(given, kid) && isFor(given, algorithm)),
  };
}

const TYPES: Readonly<Record<Algorithm, { readonly kty: string; readonly crv?: string }>> = {
  HS256: { kty: "oct" },
  RS256: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

const isNamed = (given: Claims, kid: unknown): boolean => kid === undefined || (typeof kid === "string" && given["kid"] === kid);

/** What a key says that it is for (RFC 7517 §4) holds. */
function isFor({ kty, crv, alg, use, key_ops: operations }: Claims, algorithm: Algorithm): boolean {
  const type = TYPES[algorithm];
  return (
    kty === type.kty &&
    (type.crv === undefined || crv === type.crv) &&
    (alg === undefined || alg === algorithm) &&
    (use === undefined || use === "sig") &&
    (operations === undefined || (Array.isArray(operations) && operations.includes("verify")))
  );
}

/** A private key given in place of its public half is not taken: whoever reads the set could sign with it. */
function readKey(given: Claims): TrustedKey {
  if (given["d"] !== undefined) return { key: undefined };
  try {
    const key = createPublicKey({ key: given, format: "jwk" });
    return algorithmsOf(key).length > 0 ? { key, id: thumbprintOf(key) } : { key: undefined };
  } catch {
    return { key: undefined };
  }
}

/** By way of the key it was read as: one key has many spellings. */
function thumbprintOf(key: KeyObject): string {
  const jwk = key.export({ format: "jwk" });
  const members = REQUIRED_MEMBERS[jwk.kty!]!.map((name) => [name, jwk[name]]);
  return createHash("sha256")
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest("base64url");
}
