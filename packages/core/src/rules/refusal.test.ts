import { expect, it } from "vitest";
import { StreamerError } from "../errors.ts";
import { refusalOf } from "./refusal.ts";

it("P12 what is refused is told as what it is", () => {
  const error = new StreamerError("RATE_LIMITED", "later", { afterMs: 5, details: { limit: 3 } });
  expect(refusalOf(error)).toStrictEqual({
    code: "RATE_LIMITED",
    message: "later",
    retry: { retryable: true, after_ms: 5 },
    details: { limit: 3 },
  });
  expect(refusalOf(new StreamerError("NOT_FOUND", "no"))).toStrictEqual({ code: "NOT_FOUND", message: "no", retry: { retryable: false } });
});
