/**
 * Whether a key made a signature (RFC 7518 §3, RFC 8037 §3.1), told in the turn in which it is asked: `node:crypto` verifies
 * where it is called, and WebCrypto, which libraries use, sends each signature to a thread and back, at many times the cost.
 */
import { createHmac, timingSafeEqual, verify, type KeyObject } from "node:crypto";
import type { CompactToken } from "./compact-token.ts";

export type Algorithm = "HS256" | "RS256" | "ES256" | "EdDSA" | "Ed25519";

/** A key under which nothing can be said: no fault of the token. */
export class UnusableKey extends Error {}

const MIN_RSA_BITS = 2_048;
/** Two numbers of the curve's size. */
const P256_SIGNATURE_BYTES = 64;

/** The algorithms that a key is for; none of a key that is for nothing here. */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { type, asymmetricKeyType, asymmetricKeyDetails: details } = key;
  if (type === "secret") return ["HS256"];
  if (type !== "public") return [];
  if (asymmetricKeyType === "rsa") return ["RS256"];
  if (asymmetricKeyType === "ed25519") return ["EdDSA", "Ed25519"];
  return asymmetricKeyType === "ec" && details?.namedCurve === "prime256v1" ? ["ES256"] : [];
}

/** Throws UnusableKey where the key is not for the algorithm, or too short for it. */
export function isSignedBy(key: KeyObject, algorithm: Algorithm, { signed, signature }: CompactToken): boolean {
  if (!algorithmsOf(key).includes(algorithm)) throw new UnusableKey(`The key is not for ${algorithm}.`);
  switch (algorithm) {
    case "HS256": {
      const expected = createHmac("sha256", key).update(signed).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    }
    case "RS256": {
      const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
      if (bits < MIN_RSA_BITS) throw new UnusableKey(`The key has ${bits} bits; RS256 needs at least ${MIN_RSA_BITS}.`);
      return verify("sha256", signed, key, signature);
    }
    case "ES256":
      return signature.length === P256_SIGNATURE_BYTES && verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature);
    case "EdDSA":
    case "Ed25519":
      return verify(null, signed, key, signature);
  }
}
