/** Signs tokens for development and tests. In production they come from your identity provider. */
import type { KeyObject } from "node:crypto";
import { SignJWT, type JWTPayload } from "jose";
import { parseClaimPath, writeClaim } from "./claim-path.ts";
import { parseIssuer, type ClaimMapping } from "./claims.ts";

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
  /** Where the claims go. */
  readonly claims?: ClaimMapping;
}

const DAY_MS = 86_400_000;

/** Signs with EdDSA when given an Ed25519 private key, with HS256 when given a secret. `nowMs` is epoch ms. */
export async function signToken(key: KeyObject | CryptoKey | Uint8Array, terms: SignTerms, nowMs: number): Promise<string> {
  const { userId, tenantId = "default", permissions = [], expiresInMs = DAY_MS, issuer, audience, claims: mapping = {} } = terms;
  const issuedAt = Math.floor(nowMs / 1_000);
  const claims: JWTPayload = {};
  const put = (path: string, value: unknown): void => writeClaim(claims, parseClaimPath(path), value);
  put(mapping.user ?? "sub", userId);
  put(mapping.tenant ?? "tenant_id", tenantId);
  put([mapping.permissions ?? "permissions"].flat()[0]!, [...permissions]);
  if (audience !== undefined) put(mapping.audience ?? "aud", audience);
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: key instanceof Uint8Array ? "HS256" : "EdDSA", typ: "JWT" })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(expiresInMs / 1_000));
  if (issuer !== undefined) token.setIssuer(issuerOf(issuer, claims));
  return token.sign(key);
}

function issuerOf(text: string, claims: JWTPayload): string {
  const issuer = parseIssuer(text)(claims);
  if (issuer === undefined) throw new TypeError(`The issuer "${text}" names a claim that no mapping fills.`);
  return issuer;
}
