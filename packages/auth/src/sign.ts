/** Signs tokens for development and tests. In production they come from your identity provider. */
import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";

export interface TokenTerms {
  readonly userId: string;
  /** Default "default". */
  readonly tenantId?: string;
  /** Default none. */
  readonly permissions?: readonly string[];
  /** Default 24 hours. */
  readonly expiresInMs?: number;
}

export interface SignTerms extends TokenTerms {
  readonly issuer?: string;
  readonly audience?: string;
}

const DAY_MS = 86_400_000;

/** Signs with EdDSA when given an Ed25519 private key, with HS256 when given a secret. `nowMs` is epoch ms. */
export async function signToken(key: KeyObject | CryptoKey | Uint8Array, terms: SignTerms, nowMs: number): Promise<string> {
  const { userId, tenantId = "default", permissions = [], expiresInMs = DAY_MS, issuer, audience } = terms;
  const issuedAt = Math.floor(nowMs / 1_000);
  const token = new SignJWT({ tenant_id: tenantId, permissions: [...permissions] })
    .setProtectedHeader({ alg: key instanceof Uint8Array ? "HS256" : "EdDSA", typ: "JWT" })
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(expiresInMs / 1_000));
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(key);
}
