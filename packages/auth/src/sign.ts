/** Signs tokens for development and tests. In production they come from your identity provider. */
import { createHmac, sign, type KeyObject } from "node:crypto";
import { parseClaimPath, writeClaim } from "./claim-path.ts";
import { parseIssuer, type ClaimMapping } from "./claims.ts";
import type { Claims } from "./compact-token.ts";

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
export function signToken(key: KeyObject | Uint8Array, terms: SignTerms, nowMs: number): string {
  const { userId, tenantId = "default", permissions = [], expiresInMs = DAY_MS, issuer, audience, claims: mapping = {} } = terms;
  const issuedAt = Math.floor(nowMs / 1_000);
  const claims: Record<string, unknown> = {};
  const put = (path: string, value: unknown): void => writeClaim(claims, parseClaimPath(path), value);
  put(mapping.user ?? "sub", userId);
  put(mapping.tenant ?? "tenant_id", tenantId);
  put([mapping.permissions ?? "permissions"].flat()[0]!, [...permissions]);
  if (audience !== undefined) put(mapping.audience ?? "aud", audience);
  Object.assign(claims, { iat: issuedAt, exp: issuedAt + Math.ceil(expiresInMs / 1_000) });
  if (issuer !== undefined) claims["iss"] = issuerOf(issuer, claims);
  const isSecret = key instanceof Uint8Array;
  const signed = [{ alg: isSecret ? "HS256" : "EdDSA", typ: "JWT" }, claims].map(encode).join(".");
  const signature = isSecret ? createHmac("sha256", key).update(signed).digest() : sign(null, Buffer.from(signed), key);
  return `${signed}.${signature.toString("base64url")}`;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function issuerOf(text: string, claims: Claims): string {
  const issuer = parseIssuer(text)(claims);
  if (issuer === undefined) throw new TypeError(`The issuer "${text}" names a claim that no mapping fills.`);
  return issuer;
}
