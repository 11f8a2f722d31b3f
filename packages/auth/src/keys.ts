/**
 * Which keys may sign tokens. The allowed algorithms follow from the kind of key that is configured, never from the
 * token's own header, and HS256 is allowed only when a secret is what is configured.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { createKeySet, type KeySetParts } from "./key-set.ts";

export type TrustedKeys =
  /** Shared secret for HS256 tokens, at least 32 bytes long. */
  | { readonly secret: string | Uint8Array }
  /** Public key as PEM (SPKI): RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. */
  | { readonly publicKey: string }
  /** JSON Web Key Set: a URL, or the path of a JSON file. While the URL cannot be fetched, the keys fetched before are still used. */
  | { readonly jwks: string };

/** Whether the text has three parts in canonical base64url. Lenient decoders would accept many spellings of one token. */
export function isCompactToken(token: string): boolean {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}

export interface Verification {
  readonly getKey: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
}

const ASYMMETRIC = ["RS256", "ES256", "EdDSA", "Ed25519"] as const;
/** HS256 is no stronger than its secret (RFC 7518 §3.2). */
const MIN_SECRET_BYTES = 32;

/** Turns configured keys into what verifies with them. `parts` are used by a key set with a URL, which logs its outages. */
export function trust(keys: TrustedKeys, parts: KeySetParts): Verification {
  if ("jwks" in keys) {
    const getKey = /^https?:\/\//.test(keys.jwks) ? createKeySet(new URL(keys.jwks), parts) : keysOfFile(keys.jwks);
    return { getKey, algorithms: ASYMMETRIC };
  }
  if ("secret" in keys) {
    const secret = typeof keys.secret === "string" ? new TextEncoder().encode(keys.secret) : keys.secret;
    if (secret.length < MIN_SECRET_BYTES) {
      throw new TypeError(`The token secret has ${secret.length} bytes; HS256 needs at least ${MIN_SECRET_BYTES}.`);
    }
    return { getKey: () => secret, algorithms: ["HS256"] };
  }
  return trustPublic(createPublicKey(keys.publicKey));
}

function keysOfFile(path: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(path, "utf8")) as JSONWebKeySet);
  } catch (error) {
    throw new TypeError(`The key set in ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  }
}

export function trustPublic(key: KeyObject): Verification {
  return { getKey: () => key, algorithms: algorithmsOf(key) };
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") return ["RS256"];
  if (type === "ed25519") return ["EdDSA", "Ed25519"];
  if (type === "ec" && details?.namedCurve === "prime256v1") return ["ES256"];
  throw new TypeError(`The token key is ${type} ${details?.namedCurve ?? ""}; use RSA, P-256 or Ed25519.`);
}
