/**
 * What the claims of a verified token say, wherever its issuer puts it: who it is of, what they may do, and for whom it was
 * made. What the mapping asks for and the token does not have is refused by the claim's name; nothing takes its place.
 */
import { parseClaimPath, readClaim, type ClaimPath } from "./claim-path.ts";
import type { Claims } from "./compact-token.ts";

export interface ClaimMapping {
  /** Whose token it is. Default `sub`. */
  readonly user?: ClaimPath | undefined;
  /** Which tenant they belong to: a token without it is refused. Default `tenant_id`, and the tenant `default` without one. */
  readonly tenant?: ClaimPath | undefined;
  /**
   * What they may do, of one claim or of several together: lists of names, or names with spaces between, as `scope` has
   * them. A token without them has no permissions. Default `permissions`, a list.
   */
  readonly permissions?: ClaimPath | readonly ClaimPath[] | undefined;
  /** For whom the token was made, compared with the rule `audience`. Default `aud`; Amazon Cognito's access tokens say `client_id`. */
  readonly audience?: ClaimPath | undefined;
}

export interface ClaimRules {
  readonly issuer?: string | readonly string[] | undefined;
  readonly audience?: string | readonly string[] | undefined;
  readonly claims?: ClaimMapping | undefined;
}

export interface Names {
  readonly userId: string;
  readonly tenantId: string;
  readonly permissions: readonly string[];
}

export interface ClaimReader {
  /** Whose it is, or why that cannot be told. */
  names(claims: Claims): Names | { readonly problem: string };
  /** Why the token is for others or of others; undefined when it is not. */
  whyForeign(claims: Claims): string | undefined;
}

export const MAX_NAME_LENGTH = 256;
const MAX_PERMISSIONS = 256;
/** Longer values are cut where they are told. */
const MAX_TOLD = 200;

/** Throws a TypeError at a path that is none, or at rules that nothing could keep. */
export function createClaimReader({ issuer, audience, claims: mapping = {} }: ClaimRules): ClaimReader {
  const user = parseClaimPath(mapping.user ?? "sub");
  const tenant = parseClaimPath(mapping.tenant ?? "tenant_id");
  const permissions = [mapping.permissions ?? "permissions"].flat().map(parseClaimPath);
  const audienceClaim = parseClaimPath(mapping.audience ?? "aud");
  const issuers = listOf("issuer", issuer)?.map(parseIssuer);
  const audiences = listOf("audience", audience);
  if (permissions.length === 0) throw new TypeError(`Option "claims.permissions" names no claim.`);
  if (mapping.audience !== undefined && !audiences) throw new TypeError(`Option "claims.audience" is of use with "audience" alone.`);

  /** The first problem ends it: there is one message. */
  function permissionsOf(claims: Claims): readonly string[] | { readonly problem: string } {
    const found = new Set<string>();
    for (const path of permissions) {
      const value = readClaim(claims, path) ?? [];
      const names = typeof value === "string" && mapping.permissions !== undefined ? value.split(" ").filter(Boolean) : value;
      if (!Array.isArray(names) || !names.every(isName))
        return { problem: `The token's "${path.text}" must be an array of at most ${MAX_PERMISSIONS} strings.` };
      for (const name of names) found.add(name);
      if (found.size > MAX_PERMISSIONS || names.length > MAX_PERMISSIONS)
        return {
          problem: `The token's "${path.text}" makes more than ${MAX_PERMISSIONS} permissions; it must be an array of at most that many.`,
        };
    }
    return Array.from(found);
  }

  return {
    names: (claims) => {
      const userId = readClaim(claims, user);
      if (!isName(userId)) return { problem: notName(user.text, userId, "whose it is") };
      const found = readClaim(claims, tenant);
      const tenantId = mapping.tenant === undefined ? (found ?? "default") : found;
      if (!isName(tenantId)) return { problem: notName(tenant.text, tenantId, "which tenant it is of") };
      const may = permissionsOf(claims);
      return "problem" in may ? may : { userId, tenantId, permissions: may };
    },
    whyForeign: (claims) => {
      if (issuers && !issuers.some((expected) => expected(claims) === claims["iss"]))
        return `its "iss" is ${told(claims["iss"])}, and tokens of another issuer are accepted here`;
      if (!audiences) return undefined;
      const made = new Set<unknown>([readClaim(claims, audienceClaim) ?? []].flat());
      if (audiences.some((one) => made.has(one))) return undefined;
      return `its "${audienceClaim.text}" is ${told(readClaim(claims, audienceClaim))}, and tokens made for another audience are accepted here`;
    },
  };
}

function listOf(name: string, value: string | readonly string[] | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = [value].flat();
  if (list.length > 0 && list.every((one) => one !== "")) return list;
  throw new TypeError(`Option "${name}" must be a text, or a list of at least one.`);
}

/** `{tid}` stands for that claim of the same token: an issuer of many tenants has an address for each. */
export function parseIssuer(text: string): (claims: Claims) => string | undefined {
  const [before = "", ...parts] = text.split("{");
  const holes = parts.map((part) => {
    const end = part.indexOf("}");
    if (end < 1) throw new TypeError(`Option "issuer" has a "{" that names no claim: "${text}".`);
    return { path: parseClaimPath(part.slice(0, end)), after: part.slice(end + 1) };
  });
  return (claims) => {
    const values = holes.map(({ path }) => readClaim(claims, path));
    if (!values.every(isName)) return undefined;
    return before + holes.map(({ after }, index) => `${values[index]}${after}`).join("");
  };
}

/** Claims are anybody's text: no more of one is told than helps. */
function told(value: unknown): string {
  const text = value === undefined ? "absent" : JSON.stringify(value);
  return text.length > MAX_TOLD ? `${text.slice(0, MAX_TOLD).toWellFormed()}…` : text;
}

function notName(claim: string, value: unknown, says: string): string {
  if (value === undefined)
    return `The token has no "${claim}", which says ${says}. It must be a string; let its issuer add it to access tokens.`;
  return `The token's "${claim}" must be a string of 1 to ${MAX_NAME_LENGTH} characters.`;
}

/** A name with a lone surrogate is refused: it would be stored as another name. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME_LENGTH && value.isWellFormed();
}
