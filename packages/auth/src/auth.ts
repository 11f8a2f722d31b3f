/**
 * Who is at the other end: the claims of a verified token, and nothing a message says (P10). Every refusal is a value
 * with a typed error that says what to do; why a signature failed is not said.
 */
import { wireError, type WireError } from "@streamer/protocol";
import { andThen, asError, orElse, type Awaitable, type Clock, type Log, type Owner } from "@streamer/core";
import { createClaimReader, isName, MAX_NAME_LENGTH, type ClaimMapping, type ClaimReader } from "./claims.ts";
import { readObject, type Claims } from "./compact-token.ts";
import { KeysUnavailable } from "./key-set.ts";
import type { KeysCondition, TrustedKeys, Verification } from "./keys.ts";
import { createIsRevoked, type RevocableToken, type Revoked } from "./revocations.ts";
import { readSigned, type SignedToken } from "./signer.ts";
import { readTimes, TOLERANCE_SECONDS, type Times } from "./times.ts";
import { whyNotAccess } from "./token-kind.ts";

export interface TokenRules {
  /**
   * Required value of the `iss` claim, or one of several; not checked when absent. `{tid}` in it stands for that claim of
   * the same token: `https://login.microsoftonline.com/{tid}/v2.0`.
   */
  readonly issuer?: string | readonly string[];
  /** What the `aud` claim must name, or one of several; not checked when absent: tokens made for others are accepted then. */
  readonly audience?: string | readonly string[];
  /** Which claims say who somebody is and what they may do. */
  readonly claims?: ClaimMapping;
  /** Accept tokens without an `exp` claim. Default false. */
  readonly allowNoExpiry?: boolean;
  /** How far ahead a token's `exp` may be. Default a century (36,525 days), in ms. */
  readonly maxLifeMs?: number;
  /** What is not accepted although it has not expired. Default nothing. */
  readonly revoked?: Revoked;
}

export type AuthOptions = TrustedKeys & TokenRules;

export interface Identity {
  readonly owner: Owner;
  readonly permissions: readonly string[];
  /** Epoch ms. */
  readonly expiresAt?: number;
}

/** What a token that was accepted is judged by again later. */
export interface Credential extends RevocableToken {
  /** Thumbprint of the key that verified it, where keys come and go. */
  readonly keyId?: string;
}

export interface Accepted {
  readonly ok: true;
  readonly identity: Identity;
  readonly credential: Credential;
}

export type Authentication = Accepted | { readonly ok: false; readonly error: WireError };

/** Verifies one token, or says why it was refused: at once where its key is at hand and nobody else is asked. Never rejects. */
export type Authenticate = (token: string | undefined) => Awaitable<Authentication>;

export interface Guard {
  readonly authenticate: Authenticate;
  /**
   * Looks at keys and revocations anew. Returns what says why a credential is not accepted any more, if it is not; what
   * cannot be told for now changes nothing. Never rejects.
   */
  review(): Promise<(credential: Credential) => Promise<WireError | undefined>>;
  /** Fetches keys that come and go, unless that was done a moment ago, and says how it stands with them. Never rejects. */
  renewKeys(): Promise<KeysCondition>;
  keys(): KeysCondition;
}

const UNTRUSTED = "The token is malformed or not signed by a trusted key.";
const REVOKED = "The token was revoked. Get a new one and connect again.";
const KEY_GONE = "The key that signed the token is trusted no more. Get a new token and connect again.";
/** A century: to refuse what no clock could tell. Who wants less to revoke sets it. */
const MAX_LIFE_MS = 36_525 * 86_400_000;
/** About as long as the next fetch of the key set takes to be due and answered. */
const RETRY_AFTER_MS = 2_000;

interface GuardParts {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly log: Log;
}

/** The hook that says what is revoked has failed: nothing can be said about the token. */
class RevocationsUnavailable extends Error {}

/** Creates what lets tokens in: `keys` verify the signature, `rules` say which claims are required. */
export function createGuard(keys: Verification, rules: TokenRules, { clock, log }: GuardParts): Guard {
  const { allowNoExpiry = false, maxLifeMs = MAX_LIFE_MS } = rules;
  if (!(maxLifeMs > 0)) throw new TypeError(`Option "maxLifeMs" must be a number above 0.`);
  const isRevoked = createIsRevoked(rules.revoked, { clock, log });
  const reader = createClaimReader(rules);
  const condition = (): KeysCondition => keys.condition?.() ?? "ready";

  function judge(token: SignedToken | undefined): Awaitable<Authentication> {
    const payload = token && readObject(token.payload);
    if (!payload) return refuse(UNTRUSTED);
    const times = readTimes(payload, { allowNoExpiry, maxLifeMs }, clock.now());
    if ("problem" in times) return refuse(times.problem);
    const problem = whyNotAccess(token.header, payload);
    if (problem !== undefined) return refuse(`The token is no access token: ${problem}.`);
    const foreign = reader.whyForeign(payload);
    if (foreign !== undefined) return refuse(`The token's claims are not accepted: ${foreign}.`);
    const claims = readClaims(payload, reader, times);
    if (!claims.ok) return claims;
    const keyId = token.signer.id;
    const answer = { ...claims, credential: { ...claims.credential, ...(keyId !== undefined && { keyId }) } };
    return andThen(asked(answer.credential), (revoked) => (revoked ? refuse(REVOKED) : answer));
  }

  /** Whether it was revoked. Throws, or rejects with, RevocationsUnavailable when that cannot be told. */
  function asked(credential: Credential): Awaitable<boolean> {
    const failed = (cause: unknown): never => {
      throw new RevocationsUnavailable("Whether a token is revoked cannot be told.", { cause });
    };
    const answer = orElse(() => isRevoked(credential), failed);
    return typeof answer === "boolean" ? answer : Promise.resolve(answer);
  }

  function authenticate(token: string | undefined): Awaitable<Authentication> {
    if (token === undefined) return refuse('No token was given. Send one in the Authorization header, or as subprotocol "bearer.<token>".');
    return orElse(
      () => andThen(readSigned(token, keys), judge),
      (error) => unavailable(error, log),
    );
  }

  return {
    keys: condition,
    renewKeys: async () => {
      await keys.renew?.();
      return condition();
    },
    authenticate,
    review: async () => {
      await keys.renew?.();
      return async (credential) => {
        if (credential.keyId !== undefined && keys.holds?.(credential.keyId) === false) return wireError("UNAUTHORIZED", KEY_GONE);
        try {
          return (await asked(credential)) ? wireError("UNAUTHORIZED", REVOKED) : undefined;
        } catch (error) {
          log.error({ err: asError(error), user_id: credential.userId }, "whether an open connection's token is revoked cannot be told");
          return undefined;
        }
      };
    },
  };
}

/** Creates the function that verifies tokens alone. */
export const createVerifier = (keys: Verification, rules: TokenRules, parts: GuardParts): Authenticate =>
  createGuard(keys, rules, parts).authenticate;

const refuse = (message: string): Authentication & { readonly ok: false } => ({ ok: false, error: wireError("UNAUTHORIZED", message) });

function readClaims(claims: Claims, reader: ClaimReader, { exp, iat }: Times): Authentication {
  const { jti } = claims;
  const names = reader.names(claims);
  if ("problem" in names) return refuse(names.problem);
  const { userId, tenantId, permissions } = names;
  if (jti !== undefined && !isName(jti)) return refuse(`The token's "jti" must be a string of 1 to ${MAX_NAME_LENGTH} characters.`);
  return {
    ok: true,
    identity: {
      owner: { tenantId, userId },
      permissions,
      ...(exp !== undefined && { expiresAt: (exp + TOLERANCE_SECONDS) * 1_000 }),
    },
    credential: { userId, tenantId, ...(jti !== undefined && { tokenId: jti }), ...(iat !== undefined && { issuedAt: iat }) },
  };
}

/** No fault of the token: the client keeps it and tries again. */
function unavailable(error: unknown, log: Log): Authentication {
  const isOutage = error instanceof KeysUnavailable;
  // An outage is logged where it is noticed, once and not for each token.
  if (!isOutage) log.error({ err: asError(error) }, "a token cannot be judged");
  return {
    ok: false,
    error: wireError("SERVICE_UNAVAILABLE", `${whyUnavailable(error)} Connect again with the same token.`, { afterMs: RETRY_AFTER_MS }),
  };
}

function whyUnavailable(error: unknown): string {
  if (error instanceof KeysUnavailable) return "The keys that verify tokens cannot be fetched now.";
  if (error instanceof RevocationsUnavailable) return "Whether this token is revoked cannot be told now.";
  return "The key that should verify this token cannot be used.";
}
