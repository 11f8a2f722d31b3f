/** When a token counts (RFC 7519 §4.1.4, RFC 7519 §4.1.5 and RFC 7519 §4.1.6): from when until when, and whether it was made in the past. */
import type { Claims } from "./compact-token.ts";

export interface TimeRules {
  /** Accept tokens without an `exp` claim. */
  readonly allowNoExpiry: boolean;
  /** How far ahead `exp` may be, in ms. */
  readonly maxLifeMs: number;
}

/** Epoch s, as the token says. */
export interface Times {
  readonly exp?: number;
  readonly iat?: number;
}

/** Allowed difference between the clocks of issuer and server. */
export const TOLERANCE_SECONDS = 5;
/** The same for when it was issued: nothing hangs on it, and clocks of issuers do differ. */
const ISSUED_TOLERANCE_SECONDS = 60;

/** Or why it does not count now, for people. `nowMs` is epoch ms. */
export function readTimes({ exp, nbf, iat }: Claims, rules: TimeRules, nowMs: number): Times | { readonly problem: string } {
  for (const [name, time] of [
    ["exp", exp],
    ["nbf", nbf],
    ["iat", iat],
  ] as const)
    if (time !== undefined && !Number.isFinite(time)) return { problem: `The token's "${name}" must be a finite number of seconds.` };
  const times = { ...(exp !== undefined && { exp: exp as number }), ...(iat !== undefined && { iat: iat as number }) };
  const problem = whyNotNow({ ...times, nbf: nbf as number | undefined }, rules, nowMs);
  return problem === undefined ? times : { problem };
}

function whyNotNow(
  { exp, nbf, iat }: Times & { readonly nbf: number | undefined },
  { allowNoExpiry, maxLifeMs }: TimeRules,
  nowMs: number,
): string | undefined {
  const now = Math.floor(nowMs / 1_000);
  if (exp === undefined && !allowNoExpiry) return `The token's claims are not accepted: it has no "exp", so it would never expire.`;
  if (nbf !== undefined && nbf > now + TOLERANCE_SECONDS) return `The token's claims are not accepted: its "nbf" is in the future.`;
  if (exp !== undefined && exp <= now - TOLERANCE_SECONDS) return "The token has expired. Get a new one and connect again.";
  if (iat !== undefined && iat * 1_000 > nowMs + ISSUED_TOLERANCE_SECONDS * 1_000)
    return `The token's "iat" is in the future. Is the issuer's clock right?`;
  if (exp !== undefined && exp * 1_000 > nowMs + maxLifeMs + TOLERANCE_SECONDS * 1_000)
    return `The token expires in more than ${maxLifeMs} ms, the longest that is accepted. Get one that lives shorter.`;
  return undefined;
}
