/** Development tokens: a key made at each start, whose public half the functions are told in place of the stack's. */
import { exportSPKI, generateKeyPair } from "jose";
import { signToken, type TokenTerms } from "@streamer/auth";

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

export async function createTokens(): Promise<Tokens> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const pem = await exportSPKI(publicKey);
  let issuer: string | undefined;
  let audience: string | undefined;
  let isTrusted = false;
  return {
    token: async (terms) => {
      if (!isTrusted)
        throw new Error("No function of the stack is told whose tokens to accept: synthesise it with a publicKey or a jwksUrl.");
      return signToken(
        privateKey,
        { ...terms, ...(issuer !== undefined && { issuer }), ...(audience !== undefined && { audience }) },
        Date.now(),
      );
    },
    trustedBy: (environment) => {
      if (!(PUBLIC_KEY in environment) && !(JWKS in environment)) return environment;
      isTrusted = true;
      issuer = environment[ISSUER] || undefined;
      audience = environment[AUDIENCE] || undefined;
      const { [JWKS]: _replaced, ...rest } = environment;
      return { ...rest, [PUBLIC_KEY]: pem };
    },
  };
}
