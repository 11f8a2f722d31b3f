/**
 * Signed links to files: whoever holds one may read that file until it expires (P7). The signature covers the file's
 * name and the expiry; the secret stays in the data folder.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { keepSecret } from "../server/secret.ts";

export const FILES_PATH = "/files/";

export interface LinkSigner {
  /** Blobs.linkMark: told from a signature by what it is of. */
  markOf(request: string): string;
  /** For the client of that connection. */
  sign(name: string, expiresAt: number, connectionId?: string): string;
  check(link: { readonly name: string; readonly expires: string; readonly signature: string }, now: number): "valid" | "forged" | "expired";
}

/** `baseUrl` is asked at each signing: clients come by different addresses, and the server learns its own port only once it listens. */
export function createLinkSigner(dataFolder: string, baseUrl: (connectionId?: string) => string): LinkSigner {
  const secret = Buffer.from(
    keepSecret(dataFolder, "link-secret", () => randomBytes(32).toString("hex")),
    "hex",
  );
  const signatureOf = (name: string, expires: string): string =>
    createHmac("sha256", secret).update(`${name}\n${expires}`).digest("base64url");
  return {
    markOf: (request) => createHmac("sha256", secret).update(`mark\n${request}`).digest("base64url"),
    sign: (name, expiresAt, connectionId) =>
      `${baseUrl(connectionId)}${FILES_PATH}${name}?expires=${Math.floor(expiresAt)}&signature=${signatureOf(name, String(Math.floor(expiresAt)))}`,
    check: ({ name, expires, signature }, now) => {
      const expected = Buffer.from(signatureOf(name, expires));
      const given = Buffer.from(signature);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "forged";
      return Number(expires) <= now ? "expired" : "valid";
    },
  };
}
