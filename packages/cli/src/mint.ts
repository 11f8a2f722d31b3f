/**
 * Tokens for development: signed with the key a server made for itself in its data folder, or with the secret a server
 * was given. In production tokens come from whoever knows the users.
 */
import { createHmac, sign, type KeyObject } from "node:crypto";

export interface TokenClaims {
  readonly sub: string;
  readonly tenantId: string;
  readonly permissions: readonly string[];
  readonly ttlMs: number;
}

export type Signer = { readonly privateKey: KeyObject } | { readonly secret: string };

export function mintToken(signer: Signer, { sub, tenantId, permissions, ttlMs }: TokenClaims): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { sub, tenant_id: tenantId, permissions, iat, exp: iat + Math.ceil(ttlMs / 1_000) };
  const signed = `${encode({ alg: "secret" in signer ? "HS256" : "EdDSA", typ: "JWT" })}.${encode(claims)}`;
  const signature =
    "secret" in signer ? createHmac("sha256", signer.secret).update(signed).digest() : sign(null, Buffer.from(signed), signer.privateKey);
  return `${signed}.${signature.toString("base64url")}`;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
