/** Development tokens: a key made at each start, whose public half the functions are told in place of the stack's. */
import { generateKeyPairSync } from "node:crypto";
import { signToken, type ClaimMapping, type TokenTerms } from "@streamer/auth";

export interface Tokens {
  token(terms: TokenTerms): Promise<string>;
  /** The environment of a function, so that it accepts those tokens and no others. */
  trustedBy(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
}

/** Names in @streamer/aws's settings. */
const PUBLIC_KEY = "STREAMER_PUBLIC_KEY";
const JWKS = "STREAMER_JWKS_URL";
const ISSUER = "STREAMER_ISSUER";
const AUDIENCE = "STREAMER_AUDIENCE";
const CLAIMS = "STREAMER_CLAIMS";

export function createTokens(): Tokens {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  let rules: { issuer?: string; audience?: string; claims?: ClaimMapping } = {};
  let isTrusted = false;
  return {
    token: async (terms) => {
      if (!isTrusted)
        throw new Error("No function of the stack is told whose tokens to accept: synthesise it with a publicKey or a jwksUrl.");
      return signToken(privateKey, { ...terms, ...rules }, Date.now());
    },
    trustedBy: (environment) => {
      if (!(PUBLIC_KEY in environment) && !(JWKS in environment)) return environment;
      isTrusted = true;
      const { [ISSUER]: issuers, [AUDIENCE]: audiences, [CLAIMS]: claims } = environment;
      // Where several would do, the first.
      rules = {
        ...(issuers && { issuer: issuers.split(",")[0]! }),
        ...(audiences && { audience: audiences.split(",")[0]! }),
        ...(claims && { claims: JSON.parse(claims) as ClaimMapping }),
      };
      const { [JWKS]: _replaced, ...rest } = environment;
      return { ...rest, [PUBLIC_KEY]: pem };
    },
  };
}
