/** Whose tokens this server accepts: those of the keys it was told of, or of a development key of its own. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createVerifier, trust, trustPublic, type Authenticate, type AuthOptions } from "@streamer/auth";
import type { Clock } from "@streamer/core";
import { SignJWT } from "jose";
import { keepSecret } from "./secret.ts";

export interface TokenTerms {
  readonly userId: string;
  readonly tenantId?: string;
  readonly permissions?: readonly string[];
  /** Default 24 hours. */
  readonly expiresInMs?: number;
}

export interface Auth {
  readonly authenticate: Authenticate;
  /** A token this server accepts. Only a server without auth options can make one. */
  developmentToken(terms: TokenTerms): Promise<string>;
}

export function createAuth(options: AuthOptions | undefined, dataFolder: string, clock: Clock): Auth {
  const own = options ? undefined : developmentKey(dataFolder);
  return {
    authenticate: createVerifier(options ? trust(options) : trustPublic(own!.publicKey), options ?? {}, clock),
    developmentToken: async ({ userId, tenantId = "default", permissions = [], expiresInMs = 86_400_000 }) => {
      if (!own) throw new Error("This server trusts keys of your own: get tokens from whoever holds them, not from the server.");
      const nowSeconds = Math.floor(clock.now() / 1_000);
      return new SignJWT({ tenant_id: tenantId, permissions: [...permissions] })
        .setProtectedHeader({ alg: "EdDSA" })
        .setSubject(userId)
        .setIssuedAt(nowSeconds)
        .setExpirationTime(nowSeconds + Math.ceil(expiresInMs / 1_000))
        .sign(own.privateKey);
    },
  };
}

/** The key of a server without any auth options, made on its first start: good for development alone. */
export function developmentKey(dataFolder: string): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const pem = keepSecret(dataFolder, "development-key.pem", () =>
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  const privateKey = createPrivateKey(pem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
