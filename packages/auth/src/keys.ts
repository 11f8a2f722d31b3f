/**
 * Which keys may sign tokens. The allowed algorithms follow from the kind of key that is configured, never from the
 * token's own header, and HS256 is allowed only when a secret is what is configured.
 */
import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { createKeySet, type FindKeys, type KeySetParts } from "./key-set.ts";
import { algorithmsOf, type Algorithm } from "./signature.ts";
import { MAX_KEY_SET_BYTES, parseKeySet, toTrustedSet, type TrustedSet } from "./trusted-set.ts";
import { watchFile } from "./watched-file.ts";

export type TrustedKeys =
  /** Shared secret for HS256 tokens, at least 32 bytes long. */
  | { readonly secret: string | Uint8Array }
  /** Public key as PEM (SPKI): RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. */
  | { readonly publicKey: string }
  /**
   * JSON Web Key Set of at most 64 keys and 1 MiB: a URL, https but for this machine's own, or the path of a JSON file, read
   * again when it changes. While it cannot be read, the keys read before are still used. A key that is gone from the set
   * verifies nothing, and the connections it opened are closed within a minute.
   */
  | { readonly jwks: string };

/** Whether tokens can be verified: "stale" are keys that cannot be fetched anew, and "missing" those that never were. */
export type KeysCondition = "ready" | "stale" | "missing";

export interface Verification {
  /** The keys that may have signed a token. Rejects with KeysUnavailable while that cannot be told. */
  readonly find: FindKeys;
  readonly algorithms: readonly Algorithm[];
  /** Where keys come and go: asks for those there are now. Never rejects. */
  readonly renew?: () => Promise<void>;
  /** Whether a key, by its id, is there still. */
  readonly holds?: (keyId: string) => boolean;
  /** A number that is another once the keys have changed; undefined before they are known. */
  readonly version?: () => number | undefined;
  /** Absent where keys are at hand for good. */
  readonly condition?: () => KeysCondition;
}

const ASYMMETRIC: readonly Algorithm[] = ["RS256", "ES256", "EdDSA", "Ed25519"];
/** HS256 is no stronger than its secret (RFC 7518 §3.2). */
const MIN_SECRET_BYTES = 32;

/** Turns configured keys into what verifies with them. `parts` are used by a key set with a URL, which logs its outages. */
export function trust(keys: TrustedKeys, parts: KeySetParts): Verification {
  if ("jwks" in keys) {
    const set = /^https?:\/\//i.test(keys.jwks) ? createKeySet(checkedUrl(keys.jwks), parts) : keysOfFile(keys.jwks, parts);
    return { ...set, algorithms: ASYMMETRIC };
  }
  if ("secret" in keys) {
    const secret = typeof keys.secret === "string" ? Buffer.from(keys.secret) : keys.secret;
    if (secret.length < MIN_SECRET_BYTES) {
      throw new TypeError(`The token secret has ${secret.length} bytes; HS256 needs at least ${MIN_SECRET_BYTES}.`);
    }
    return trustKey(createSecretKey(secret));
  }
  return trustPublic(createPublicKey(keys.publicKey));
}

/** Whoever is on the way could give keys of their own. */
function checkedUrl(text: string): URL {
  const url = new URL(text);
  const isOwn = url.hostname === "localhost" || url.hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(url.hostname);
  if (url.protocol === "https:" || isOwn) return url;
  throw new TypeError(`The key set at ${url.origin} must be fetched by https: over http anybody on the way could change it.`);
}

function keysOfFile(path: string, { clock, log }: KeySetParts): Required<Pick<Verification, "find" | "renew" | "holds" | "version">> {
  const current = watchFile({
    path,
    what: "The key set",
    maxBytes: MAX_KEY_SET_BYTES,
    parse: (text): TrustedSet => toTrustedSet(parseKeySet(text)),
    clock,
    log,
  });
  return {
    renew: async () => void current(),
    holds: (keyId) => current().holds(keyId),
    version: () => current().version,
    find: (header, algorithm) => current().find(header, algorithm),
  };
}

/** Throws a TypeError at a key that no algorithm here is for. */
export function trustPublic(key: KeyObject): Verification {
  if (algorithmsOf(key).length > 0) return trustKey(key);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  throw new TypeError(`The token key is ${type} ${details?.namedCurve ?? ""}; use RSA, P-256 or Ed25519.`);
}

function trustKey(key: KeyObject): Verification {
  const keys = [{ key }];
  return { find: () => keys, algorithms: algorithmsOf(key) };
}
