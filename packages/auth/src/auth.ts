/**
 * Who is at the other end: the claims of a verified token, and nothing a message says (P10). Every refusal is a value
 * with a typed error that says what to do; why a signature failed is not said.
 */
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from "jose";
import { wireError, type WireError } from "@streamer/protocol";
import { asError, type Clock, type Log, type Owner } from "@streamer/core";
import { KeysUnavailable } from "./key-set.ts";
import { isCompactToken, type TrustedKeys, type Verification } from "./keys.ts";

export type AuthOptions = TrustedKeys & {
  /** Required value of the `iss` claim; not checked when absent. */
  readonly issuer?: string;
  /** Required value of the `aud` claim; not checked when absent. */
  readonly audience?: string;
  /** Accept tokens without an `exp` claim. Default false. */
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
/** Allowed difference between the clocks of issuer and server. */
const TOLERANCE_SECONDS = 5;
const MAX_NAME_LENGTH = 256;
const MAX_PERMISSIONS = 256;
/** About as long as the next fetch of the key set takes to be due and answered. */
const RETRY_AFTER_MS = 2_000;

/** Creates the function that verifies tokens: `keys` verify the signature, `options` say which claims are required. */
export function createVerifier(
  keys: Verification,
  options: Pick<AuthOptions, "issuer" | "audience" | "allowNoExpiry">,
  { clock, log }: { readonly clock: Pick<Clock, "now">; readonly log: Log },
): Authenticate {
  return async (token) => {
    if (token === undefined) return refuse('No token was given. Send one in the Authorization header, or as subprotocol "bearer.<token>".');
    if (!isCompactToken(token)) return refuse(UNTRUSTED);
    try {
      const payload = await verify(token, keys, {
        algorithms: [...keys.algorithms],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
        requiredClaims: options.allowNoExpiry ? ["sub"] : ["sub", "exp"],
        ...(options.issuer !== undefined && { issuer: options.issuer }),
        ...(options.audience !== undefined && { audience: options.audience }),
      });
      return readClaims(payload);
    } catch (error) {
      return explain(error) ?? unavailable(error, log);
    }
  };
}

/** A token that names no key may be of any that fits. */
async function verify(token: string, keys: Verification, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys.getKey, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (problem) {
        if (!(problem instanceof errors.JWSSignatureVerificationFailed)) throw problem;
      }
    }
    throw error;
  }
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

/** A name with a lone surrogate is refused: it would be stored as another name. */
function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME_LENGTH && value.isWellFormed();
}

/** What was wrong with the token; undefined when that is not known. */
function explain(error: unknown): Authentication | undefined {
  if (error instanceof errors.JWTExpired) return refuse("The token has expired. Get a new one and connect again.");
  if (error instanceof errors.JWTClaimValidationFailed) return refuse(`The token's claims are not accepted: ${error.message}.`);
  if (error instanceof errors.JWKSInvalid || !(error instanceof errors.JOSEError)) return undefined;
  return refuse(UNTRUSTED);
}

/** No fault of the token: the client keeps it and tries again. */
function unavailable(error: unknown, log: Log): Authentication {
  const isOutage = error instanceof KeysUnavailable;
  // An outage is logged where it is noticed, once and not for each token.
  if (!isOutage) log.error({ err: asError(error) }, "a key that verifies tokens cannot be used");
  const problem = isOutage ? "The keys that verify tokens cannot be fetched now." : "The key that should verify this token cannot be used.";
  return {
    ok: false,
    error: wireError("SERVICE_UNAVAILABLE", `${problem} Connect again with the same token.`, { afterMs: RETRY_AFTER_MS }),
  };
}
