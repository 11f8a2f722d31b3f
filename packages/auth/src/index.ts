export { createVerifier, type Authenticate, type Authentication, type AuthOptions, type Identity } from "./auth.ts";
export { readToken, type TokenCarrier } from "./credentials.ts";
export { signToken, type TokenTerms } from "./sign.ts";
export { isCompactToken, trust, trustPublic, type TrustedKeys, type Verification } from "./keys.ts";
