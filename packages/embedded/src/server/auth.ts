/** Whose tokens this server accepts: those of the keys it was told of, or of a development key of its own. */
import { createVerifier, signToken, trust, trustPublic, type Authenticate, type AuthOptions, type TokenTerms } from "@streamer/auth";
import type { Clock, Log } from "@streamer/core";
import { developmentKey } from "./development-key.ts";

export interface Auth {
  readonly authenticate: Authenticate;
  /** A token this server accepts. Only a server without auth options can make one. */
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
