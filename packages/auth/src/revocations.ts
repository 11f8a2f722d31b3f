/** Tokens that are no longer to be accepted although they have not expired: by their id, their user or their tenant. */
import type { Clock, Log } from "@streamer/core";
import { watchFile } from "./watched-file.ts";

/** What may be asked of a token. */
export interface RevocableToken {
  /** Its `jti`, when it has one. */
  readonly tokenId?: string;
  /** As the mapping of claims reads it; the list `sub` is of these. */
  readonly userId: string;
  /** The same; the list `tenant_id` is of these. */
  readonly tenantId: string;
  /** Its `iat`, in epoch s. */
  readonly issuedAt?: number;
}

/**
 * The path of a JSON file, `{"jti": [], "sub": [], "tenant_id": []}`, each a list of what is revoked, which is read again
 * when it changes; or a function, asked when a connection opens and twice a minute while it is open.
 */
export type Revoked = string | ((token: RevocableToken) => boolean | Promise<boolean>);

export type IsRevoked = (token: RevocableToken) => boolean | Promise<boolean>;

const MAX_BYTES = 16 * 1_048_576;
const NAMES = ["jti", "sub", "tenant_id"] as const;
type Lists = Readonly<Record<(typeof NAMES)[number], ReadonlySet<string>>>;

export function createIsRevoked(
  revoked: Revoked | undefined,
  { clock, log }: { readonly clock: Pick<Clock, "monotonic">; readonly log: Log },
): IsRevoked {
  if (revoked === undefined) return () => false;
  if (typeof revoked === "function") return revoked;
  const lists = watchFile({ path: revoked, what: "The list of revoked tokens", maxBytes: MAX_BYTES, parse, clock, log });
  return ({ tokenId, userId, tenantId }) => {
    const { jti, sub, tenant_id: tenants } = lists();
    return (tokenId !== undefined && jti.has(tokenId)) || sub.has(userId) || tenants.has(tenantId);
  };
}

/** What is misspelt would revoke nothing. */
function parse(text: string): Lists {
  const value = JSON.parse(text) as unknown;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is not a JSON object");
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`it has "${unknown}"; known are ${NAMES.join(", ")}`);
  const listOf = (name: string): ReadonlySet<string> => {
    const list = given[name] ?? [];
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === "string"))
      throw new Error(`its "${name}" is not a list of strings`);
    return new Set(list);
  };
  return { jti: listOf("jti"), sub: listOf("sub"), tenant_id: listOf("tenant_id") };
}
