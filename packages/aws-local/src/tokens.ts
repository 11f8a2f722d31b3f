/** Development tokens: a key made at each start, whose public half the functions are told in place of the stack's. */
import { exportSPKI, generateKeyPair, SignJWT } from "jose";

export interface TokenTerms {
  readonly userId: string;
  readonly tenantId?: string;
  readonly permissions?: readonly string[];
  /** Default a day. */
  readonly lifeSeconds?: number;
}
export interface Tokens {
  token(terms: TokenTerms): Promise<string>;
  /** The environment of a function, so that it accepts those tokens and no others. */
  trustedBy(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
}

const DAY_SECONDS = 86_400;
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
    token: async ({ userId, tenantId, permissions, lifeSeconds = DAY_SECONDS }) => {
      if (!isTrusted)
        throw new Error("No function of the stack is told whose tokens to accept: synthesise it with a publicKey or a jwksUrl.");
      const now = Math.floor(Date.now() / 1_000);
      const jwt = new SignJWT({ ...(tenantId !== undefined && { tenant_id: tenantId }), ...(permissions && { permissions }) })
        .setProtectedHeader({ alg: "EdDSA" })
        .setSubject(userId)
        .setIssuedAt(now)
        .setExpirationTime(now + lifeSeconds);
      if (issuer !== undefined) jwt.setIssuer(issuer);
      if (audience !== undefined) jwt.setAudience(audience);
      return jwt.sign(privateKey);
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
