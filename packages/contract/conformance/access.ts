/** Tokens for a server of somebody else's, made with the key whose tokens it accepts: docs/protocol.md §12. */
import { createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";

export interface Keys {
  /** File of a private key, PEM. */
  readonly keyFile?: string | undefined;
  readonly secret?: string | undefined;
}

const ALGORITHMS: Readonly<Record<string, string>> = { rsa: "RS256", ec: "ES256", ed25519: "EdDSA" };

function signingKey({ keyFile, secret }: Keys): KeyObject {
  if (keyFile) return createPrivateKey(readFileSync(keyFile));
  if (secret) return createSecretKey(Buffer.from(secret));
  throw new Error(
    "Set STREAMER_SIGNING_KEY (file of the private key, PEM) or STREAMER_SECRET: what signs the tokens that the server accepts.",
  );
}

/** Throws when there is no key. */
export function createSigner(keys: Keys): (user: string, tenant?: string) => Promise<string> {
  const key = signingKey(keys);
  return (user, tenant = "acme") =>
    new SignJWT({ tenant_id: tenant })
      .setProtectedHeader({ alg: key.type === "secret" ? "HS256" : (ALGORITHMS[key.asymmetricKeyType!] ?? "EdDSA") })
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(key);
}
