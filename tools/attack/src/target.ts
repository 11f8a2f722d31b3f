/** What is attacked, and who is there: the attacker, a colleague in the same tenant, and a stranger in another. */
import type { Inside } from "./serve.ts";

export const ROLES = ["attacker", "colleague", "stranger"] as const;
export type Role = (typeof ROLES)[number];

export interface Target {
  /** Of its WebSocket. */
  readonly url: string;
  readonly httpUrl: string;
  readonly tokens: Readonly<Record<Role, string>>;
  /** Undefined for a server at an address: nothing of its inside is seen. */
  readonly inside?: Inside;
}

/** A server at an address, with a token for each role. */
export function remoteTarget(url: string, tokens: Target["tokens"]): Target {
  return { url, httpUrl: url.replace(/^ws/, "http").replace(/\/$/, ""), tokens };
}
