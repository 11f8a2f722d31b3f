/**
 * Whether an upgrade came through CloudFront, which adds a secret to what it hands on (apps/infra, constructs/edge.ts).
 * There are two while it is changed: the one that is sent and the one that will be.
 */
import { createHash, timingSafeEqual } from "node:crypto";

/** Answers whether what was shown is one of the secrets. */
export type IsFromEdge = (shown: string | undefined) => boolean;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** `secrets`: with commas, as the environment has them; one at least. */
export function createIsFromEdge(secrets: string): IsFromEdge {
  const digests = secrets.split(",").map((secret) => {
    if (secret === "") throw new Error("A secret that CloudFront is to show is empty: deploy the stack again.");
    return digest(secret);
  });
  return (shown = "") => {
    const given = digest(shown);
    // All are compared, each in a time that does not tell how much of it was right.
    return digests.filter((each) => timingSafeEqual(each, given)).length > 0;
  };
}
