/**
 * Where in a token a claim is: names with dots between, `realm_access.roles`. A name that has dots of its own stands in
 * brackets, `resource_access.[my.app].roles`; a text with `://` is one name as it is, as namespaced claims are URLs.
 */
export type ClaimPath = string;

export interface ParsedClaimPath {
  /** As it was given, for messages. */
  readonly text: ClaimPath;
  readonly names: readonly string[];
}

/** Throws a TypeError that says what is wrong with it. */
export function parseClaimPath(text: ClaimPath): ParsedClaimPath {
  if (!text.startsWith("[") && text.includes("://")) return { text, names: [text] };
  const names: string[] = [];
  for (let rest = text; ;) {
    const { name, after } = rest.startsWith("[") ? bracketed(rest, text) : plain(rest);
    if (name === "") throw new TypeError(`"${text}" is no path of a claim: it has an empty name.`);
    names.push(name);
    if (after === undefined) return { text, names };
    rest = after;
  }
}

interface Part {
  readonly name: string;
  /** What stands behind the dot that ends it; undefined at the end of the path. */
  readonly after: string | undefined;
}

function plain(rest: string): Part {
  const dot = rest.indexOf(".");
  return dot === -1 ? { name: rest, after: undefined } : { name: rest.slice(0, dot), after: rest.slice(dot + 1) };
}

/** It ends at a bracket behind which the next name begins, or the path ends: names may have brackets, too. */
function bracketed(rest: string, text: string): Part {
  const end = rest.indexOf("].");
  if (end !== -1) return { name: rest.slice(1, end), after: rest.slice(end + 2) };
  if (rest.endsWith("]")) return { name: rest.slice(1, -1), after: undefined };
  throw new TypeError(`"${text}" is no path of a claim: a "[" is not closed, or is followed by no dot.`);
}

/** Puts a claim where `readClaim` finds it. */
export function writeClaim(claims: Record<string, unknown>, { names }: ParsedClaimPath, value: unknown): void {
  let inside = claims;
  for (const name of names.slice(0, -1)) inside = (inside[name] ??= {}) as Record<string, unknown>;
  inside[names.at(-1)!] = value;
}

/** Undefined where there is none, and for null: a provider's way to say so. */
export function readClaim(claims: Readonly<Record<string, unknown>>, { names }: ParsedClaimPath): unknown {
  let value: unknown = claims;
  for (const name of names) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value ?? undefined;
}
