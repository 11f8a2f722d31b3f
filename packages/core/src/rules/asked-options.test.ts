import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isStreamerError } from "../errors.ts";
import { defineHandler } from "../handler.ts";
import { resolveOptions } from "../options.ts";
import { checkAsked } from "./asked-options.ts";

const server = resolveOptions({ timeoutMs: 60_000, admission: { maxPriority: 8 } });
const plain = defineHandler({ action: "plain", input: z.object({}), run: () => 1 });
const own = defineHandler({
  action: "own",
  input: z.object({}),
  timeoutMs: 5_000,
  retry: { maxAttempts: 7 },
  maxPriority: 3,
  run: () => 1,
});
const refused = (...asked: Parameters<typeof checkAsked>): unknown => {
  try {
    return checkAsked(...asked);
  } catch (error) {
    return isStreamerError(error) && { code: error.code, message: error.message, issues: error.details?.["issues"] };
  }
};

describe("what a client may ask for", () => {
  it("is what the handler promises, else what the server does, when nothing is asked", () => {
    expect(checkAsked({}, plain, server)).toEqual({ timeoutMs: 60_000, maxAttempts: 3, priority: 5 });
    expect(checkAsked({}, own, server)).toEqual({ timeoutMs: 5_000, maxAttempts: 7, priority: 3 });
    expect(checkAsked({}, plain, resolveOptions())).toEqual({ timeoutMs: 3_600_000, maxAttempts: 3, priority: 5 });
  });

  it("is less or the same", () => {
    expect(checkAsked({ timeout_ms: 1, max_attempts: 1, priority: 0 }, own, server)).toEqual({ timeoutMs: 1, maxAttempts: 1, priority: 0 });
    expect(checkAsked({ timeout_ms: 5_000, max_attempts: 7, priority: 3 }, own, server)).toEqual({
      timeoutMs: 5_000,
      maxAttempts: 7,
      priority: 3,
    });
    expect(checkAsked({ priority: 9 }, plain, resolveOptions()).priority).toBe(9);
  });

  it("is never more, and a refusal names each option with its limit", () => {
    expect(refused({ priority: 9, max_attempts: 100, timeout_ms: 7 * 86_400_000 }, plain, server)).toEqual({
      code: "VALIDATION_ERROR",
      message:
        '"plain" gives no more than it declares: timeout_ms 604800000 is over the limit of 60000; max_attempts 100 is over the limit of 3; priority 9 is over the limit of 8. Ask for less, or leave it out.',
      issues: [
        { path: ["options", "timeout_ms"], message: "604800000 is over the limit of 60000" },
        { path: ["options", "max_attempts"], message: "100 is over the limit of 3" },
        { path: ["options", "priority"], message: "9 is over the limit of 8" },
      ],
    });
    expect(refused({ timeout_ms: 5_001 }, own, server)).toMatchObject({ issues: [{ path: ["options", "timeout_ms"] }] });
    expect(refused({ priority: 4 }, own, server)).toMatchObject({ issues: [{ message: "4 is over the limit of 3" }] });
    expect(refused({ max_attempts: 4 }, plain, server)).toMatchObject({ issues: [{ path: ["options", "max_attempts"] }] });
  });
});
