/** The secret that marks of links are made with: one item, made by whichever process first needs it, and then kept. */
import { createHmac } from "node:crypto";
import { once } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";

const KEY = { pk: "secret#links" };

interface SecretItem {
  readonly secret: string;
}

/** Blobs.linkMark. */
export function createLinkMarks(items: Items, makeSecret: () => string): (request: string) => Promise<string> {
  const secret = once(async () => {
    const made = await items.update<SecretItem>(KEY, {
      set: "SET secret = if_not_exists(secret, :made)",
      values: { ":made": makeSecret() },
    });
    return made!.secret;
  });
  return async (request) =>
    createHmac("sha256", await secret())
      .update(request)
      .digest("base64url");
}
