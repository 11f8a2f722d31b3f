/**
 * Who is at the other end: the claims of a verified token, and nothing a message says (P10). Every refusal is a value
 * with a typed error that says what to do; why a signature failed is not said.
 */
import { errors, jwtVerify, type JWTPayload } from "jose";
import { wireError, type WireError } from "@streamer/protocol";
import type { Clock, Owner } from "@streamer/core";
import { isCompactToken, type TrustedKeys, type Verification } from "./keys.ts";

export type AuthOptions = TrustedKeys & {
  /** Required `iss` and `aud`, when given. */
  readonly issuer?: string;
  readonly audience?: string;
  /** Accept tokens that never expire. Default false. */
  readonly allowNoExpiry?: boolean;
};

export interface Identity {
  readonly owner: Owner;
  readonly permissions: readonly string[];
  /** Epoch ms. */
  readonly expiresAt?: number;
}
export type Authentication = { readonly ok: true; readonly identity: Identity } | { readonly ok: false; readonly error: WireError };

/** Verifies one token, or says why it was refused. Never rejects. */
export type Authenticate = (token: string | undefined) => Promise<Authentication>;

const UNTRUSTED = "The token is malformed or not signed by a trusted key.";
/** Clocks of issuer and server may differ by this much. */
const TOLERANCE_SECONDS = 5;
const MAX_NAME_LENGTH = 256;
const MAX_PERMISSIONS = 256;

/** `keys` are those tokens are verified with; `options` what else is asked of them. */
export function createVerifier(
  keys: Verification,
  options: Pick<AuthOptions, "issuer" | "audience" | "allowNoExpiry">,
  clock: Pick<Clock, "now">,
): Authenticate {
  return async (token) => {
    if (token === undefined) return refuse('No token was given. Send one in the Authorization header, or as subprotocol "bearer.<token>".');
    if (!isCompactToken(token)) return refuse(UNTRUSTED);
    try {
      const { payload } = await jwtVerify(token, keys.getKey, {
        algorithms: [...keys.algorithms],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
        requiredClaims: options.allowNoExpiry ? ["sub"] : ["sub", "exp"],
        ...(options.issuer !== undefined && { issuer: options.issuer }),
        ...(options.audience !== undefined && { audience: options.audience }),
      });
      return readClaims(payload);
    } catch (error) {
      return explain(error);
    }
  };
}

const refuse = (message: string): Authentication => ({ ok: false, error: wireError("UNAUTHORIZED", message) });

function readClaims({ sub, exp, ...claims }: JWTPayload): Authentication {
  const { tenant_id: tenantId = "default", permissions = [] } = claims;
  if (!isName(sub)) return refuse(`The token's "sub" must be a string of 1 to ${MAX_NAME_LENGTH} characters.`);
  if (!isName(tenantId)) return refuse(`The token's "tenant_id" must be a string of 1 to ${MAX_NAME_LENGTH} characters.`);
  if (!Array.isArray(permissions) || permissions.length > MAX_PERMISSIONS || !permissions.every(isName)) {
    return refuse(`The token's "permissions" must be an array of at most ${MAX_PERMISSIONS} strings.`);
  }
  const identity = {
    owner: { tenantId, userId: sub },
    permissions,
    ...(exp !== undefined && { expiresAt: (exp + TOLERANCE_SECONDS) * 1_000 }),
  };
  return { ok: true, identity };
}

/** Well formed: a name with a lone surrogate could not be stored as it is, nor told from another. */
function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME_LENGTH && value.isWellFormed();
}

function explain(error: unknown): Authentication {
  if (error instanceof errors.JWTExpired) return refuse("The token has expired. Get a new one and connect again.");
  if (error instanceof errors.JWTClaimValidationFailed) return refuse(`The token's claims are not accepted: ${error.message}.`);
  if (error instanceof errors.JWKSTimeout || error instanceof TypeError) {
    return {
      ok: false,
      error: wireError("SERVICE_UNAVAILABLE", "The key set that verifies tokens cannot be reached. Try again.", { afterMs: 1_000 }),
    };
  }
  return refuse(UNTRUSTED);
}
