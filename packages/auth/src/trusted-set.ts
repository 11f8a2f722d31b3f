/** A key set as it was read: of bounded size, with a name for each key by which its tokens can be recognised later. */
import { createHash } from "node:crypto";
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, importJWK, type CryptoKey, type JSONWebKeySet, type JWK } from "jose";
import { asError } from "@streamer/core";

export const MAX_KEY_SET_BYTES = 1_048_576;
/** A token that names no key is tried with each that fits. */
const MAX_KEYS = 64;
/** By key type, an algorithm under which a key can be imported: it does not change the key. */
const ALGORITHMS: Readonly<Record<string, string>> = { RSA: "RS256", EC: "ES256", OKP: "EdDSA" };

export interface TrustedSet {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly keyCount: number;
  /** Another number for other keys, below 2^48. */
  readonly version: number;
  holds(keyId: string): boolean;
}

/** Throws an error that says what the text is instead. */
export function parseKeySet(text: string): JSONWebKeySet {
  let set: JSONWebKeySet | null;
  try {
    set = JSON.parse(text) as JSONWebKeySet | null;
  } catch (error) {
    throw new Error(`it is not JSON: ${asError(error).message}`, { cause: error });
  }
  if (!Array.isArray(set?.keys)) throw new Error("it is not a key set");
  if (set.keys.length === 0) throw new Error("it holds no keys");
  if (set.keys.length > MAX_KEYS) throw new Error(`it holds ${set.keys.length} keys; at most ${MAX_KEYS} are taken`);
  return set;
}

export async function toTrustedSet(set: JSONWebKeySet): Promise<TrustedSet> {
  const keyIds = new Set(await Promise.all(set.keys.map(keyIdOfJwk)));
  const version = createHash("sha256")
    .update(JSON.stringify(Array.from(keyIds, String).toSorted((one, other) => (one < other ? -1 : 1))))
    .digest()
    .readUIntBE(0, 6);
  return { find: createLocalJWKSet(set), keyCount: set.keys.length, version, holds: (keyId) => keyIds.has(keyId) };
}

/** Its thumbprint (RFC 7638): the key itself and not the `kid` it goes by, under which another may come. */
export async function keyIdOf(key: CryptoKey): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(key));
}

/** By way of the key it is read as: one key has many spellings. Undefined for what verifies nothing here. */
async function keyIdOfJwk(jwk: JWK): Promise<string | undefined> {
  const algorithm = ALGORITHMS[jwk.kty ?? ""];
  if (algorithm === undefined) return undefined;
  try {
    const key = await importJWK(jwk, algorithm);
    return key instanceof Uint8Array ? undefined : await keyIdOf(key);
  } catch {
    return undefined;
  }
}
