/** Whose tokens this server accepts: those of the configured keys, or those of its own development key. */
import { createGuard, signToken, trust, trustPublic, type AuthOptions, type Guard, type TokenTerms } from "@streamer/auth";
import type { Clock, Log } from "@streamer/core";
import { developmentKey } from "./development-key.ts";

export interface Auth extends Guard {
  /** Creates a token that this server accepts. Rejects when the server was configured with keys. */
  developmentToken(terms: TokenTerms): Promise<string>;
}

export function createAuth(
  options: AuthOptions | undefined,
  dataFolder: string,
  parts: { readonly clock: Clock; readonly log: Log },
): Auth {
  const own = options ? undefined : developmentKey(dataFolder);
  if (options) warnOfForeignTokens(options, parts.log);
  return {
    ...createGuard(options ? trust(options, parts) : trustPublic(own!.publicKey), options ?? {}, parts),
    developmentToken: async (terms) => {
      if (!own) throw new Error("This server trusts keys of your own: get tokens from whoever holds them, not from the server.");
      return signToken(own.privateKey, terms, parts.clock.now());
    },
  };
}

/** A secret is shared with whoever signs for this server. The keys of an identity provider sign for all its clients. */
function warnOfForeignTokens(options: AuthOptions, log: Log): void {
  if ("secret" in options) return;
  const missing = (["audience", "issuer"] as const).filter((name) => options[name] === undefined);
  if (missing.length === 0) return;
  log.warn(
    { missing },
    `tokens are accepted whatever their ${missing.join(" and ")}: whoever gets a token of these keys for another application can use it here`,
  );
}
