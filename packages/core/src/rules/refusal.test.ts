import { expect, it } from "vitest";
import { StreamerError } from "../errors.ts";
import { refusalOf } from "./refusal.ts";

it("P12 what is refused is told as what it is; anything else as a fault of the server's, and no more of it", () => {
  const error = new StreamerError("RATE_LIMITED", "later", { afterMs: 5, details: { limit: 3 } });
  expect(refusalOf(error, "r1")).toStrictEqual({
    code: "RATE_LIMITED",
    message: "later",
    retry: { retryable: true, after_ms: 5 },
    details: { limit: 3 },
  });
  expect(refusalOf(new StreamerError("NOT_FOUND", "no"), "r1")).toStrictEqual({
    code: "NOT_FOUND",
    message: "no",
    retry: { retryable: false },
  });
  const fault = refusalOf(new Error("secret"), "r1");
  expect(fault.code).toBe("INTERNAL_ERROR");
  expect(JSON.stringify(fault)).toContain("r1");
  expect(JSON.stringify(fault)).not.toContain("secret");
});
