/**
 * Whether a token was made to be sent to servers like this one. The same keys sign tokens for other purposes: who somebody
 * is, for a client to read (OpenID Connect); to renew a session, or to end it. None of these opens a connection.
 */
import type { Claims } from "./compact-token.ts";

/** Values of `typ` in a header: absent is common, the second is RFC 9068. Each may be written as a media type. */
const ACCESS_TYPES: ReadonlySet<string> = new Set(["jwt", "at+jwt"]);
/** Keycloak's `typ`, Amazon Cognito's `token_use`: claims that say what others say in the header. */
const OTHER_KINDS = /^(?:id|refresh|offline|logout|code)(?:[-_+ ]?(?:token|jwt))?$/i;
const KIND_CLAIMS = ["typ", "token_use", "token_type"] as const;
/** Only an ID token binds itself to an access token; only a logout token tells events. */
const FOREIGN_CLAIMS = ["at_hash", "c_hash", "s_hash", "events"] as const;

/** What it is instead, for people; undefined when it may be used here. */
export function whyNotAccess({ typ }: Claims, claims: Claims): string | undefined {
  if (typ !== undefined && !(typeof typ === "string" && ACCESS_TYPES.has(typ.toLowerCase().replace(/^application\//, ""))))
    return `its type is ${JSON.stringify(typ)}`;
  for (const name of KIND_CLAIMS) {
    const kind = claims[name];
    if (typeof kind === "string" && OTHER_KINDS.test(kind)) return `its "${name}" is ${JSON.stringify(kind)}`;
  }
  const foreign = FOREIGN_CLAIMS.find((name) => claims[name] !== undefined);
  return foreign === undefined ? undefined : `it has "${foreign}"`;
}
