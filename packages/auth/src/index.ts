export {
  createGuard,
  createVerifier,
  type Accepted,
  type Authenticate,
  type Authentication,
  type AuthOptions,
  type Credential,
  type Guard,
  type Identity,
  type TokenRules,
} from "./auth.ts";
export type { ClaimPath } from "./claim-path.ts";
export type { ClaimMapping } from "./claims.ts";
export { readToken, type TokenCarrier } from "./credentials.ts";
export type { RevocableToken, Revoked } from "./revocations.ts";
export { signToken, type TokenTerms } from "./sign.ts";
export { trust, trustPublic, type KeysCondition, type TrustedKeys, type Verification } from "./keys.ts";
