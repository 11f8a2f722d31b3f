/** Which of the keys that are trusted has signed a token. */
import { andThen, type Awaitable } from "@streamer/core";
import { readCompactToken, type CompactToken } from "./compact-token.ts";
import type { Verification } from "./keys.ts";
import { isSignedBy, UnusableKey, type Algorithm } from "./signature.ts";
import type { TrustedKey } from "./trusted-set.ts";

export interface SignedToken extends CompactToken {
  readonly signer: TrustedKey;
}

/** Undefined for what is no token, or signed by none of them. Throws or rejects where that cannot be told. */
export function readSigned(text: string, keys: Verification): Awaitable<SignedToken | undefined> {
  const token = readCompactToken(text);
  const algorithm = token && keys.algorithms.find((one) => one === token.header["alg"]);
  // Whatever an extension says, it is not understood here (RFC 7515 §4.1.11).
  if (!algorithm || token.header["crit"] !== undefined) return undefined;
  return andThen(keys.find(token.header, algorithm), (candidates) => {
    const signer = signerOf(token, algorithm, candidates);
    return signer && { ...token, signer };
  });
}

/** A token that names no key may be of any that fits: one that is of no use matters where there is no other. */
function signerOf(token: CompactToken, algorithm: Algorithm, candidates: readonly TrustedKey[]): TrustedKey | undefined {
  return candidates.find(({ key }) => {
    try {
      if (!key) throw new UnusableKey("The key set's key of that name cannot be read.");
      return isSignedBy(key, algorithm, token);
    } catch (error) {
      if (candidates.length === 1) throw error;
      return false;
    }
  });
}
