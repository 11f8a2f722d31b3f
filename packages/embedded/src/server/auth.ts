/** Whose tokens this server accepts: those of the configured keys, or those of its own development key. */
import { createVerifier, signToken, trust, trustPublic, type Authenticate, type AuthOptions, type TokenTerms } from "@streamer/auth";
import type { Clock, Log } from "@streamer/core";
import { developmentKey } from "./development-key.ts";

export interface Auth {
  readonly authenticate: Authenticate;
  /** Creates a token that this server accepts. Rejects when the server was configured with keys. */
  developmentToken(terms: TokenTerms): Promise<string>;
}

export function createAuth(
  options: AuthOptions | undefined,
  dataFolder: string,
  parts: { readonly clock: Clock; readonly log: Log },
): Auth {
  const own = options ? undefined : developmentKey(dataFolder);
  return {
    authenticate: createVerifier(options ? trust(options, parts) : trustPublic(own!.publicKey), options ?? {}, parts),
    developmentToken: async (terms) => {
      if (!own) throw new Error("This server trusts keys of your own: get tokens from whoever holds them, not from the server.");
      return signToken(own.privateKey, terms, parts.clock.now());
    },
  };
}
