import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeError, Fatal, restoreError, RetryAfter, StreamerError, WorkerDied } from "../errors.ts";
import { asFault, isForUser } from "./fault.ts";

const caught = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};
const system = (code: string): Error => Object.assign(new Error(`${code}: open '/srv/secret'`), { code, errno: -24, syscall: "open" });
class OrderError extends Error {
  readonly code = "ELIMIT";
}

const FAULTS: Readonly<Record<string, unknown>> = {
  "a file that is not there": caught(() => readFileSync("/srv/secret")),
  "a mistake of the language": caught(() => (undefined as unknown as { startedAt: number }).startedAt),
  "a stack that overflows": caught(function deeper(): unknown {
    return [deeper()];
  }),
  "text that is no JSON": caught(() => JSON.parse("{")),
  "an error of Node": Object.assign(new Error("database is locked: /srv/secret"), { code: "ERR_SQLITE_ERROR", errcode: 5 }),
  "an error of a service": Object.assign(new Error("User: arn:aws:iam::1:role/secret"), { name: "AccessDenied", $metadata: {} }),
};
const OF_AUTHORS: Readonly<Record<string, unknown>> = {
  "an error": new Error("the database hung up"),
  "an error of the author's own kind": new OrderError("no more than 3"),
  "a Fatal": new Fatal("no such row"),
  "a RetryAfter": new RetryAfter(5),
  "a StreamerError": new StreamerError("TIMEOUT", "late"),
  "a process that died": new WorkerDied("killed"),
  "no error at all": "no rows",
};

describe("what no author wrote", () => {
  it.each(Object.entries(FAULTS))("%s is told by an id alone, from whatever process it comes", (_, error) => {
    for (const from of [error, restoreError(structuredClone(describeError(error)))]) {
      expect(isForUser(from)).toBe(false);
      const { code, message, details } = asFault(from, "x1", "r1");
      expect({ code, message, details }).toEqual({
        code: "INTERNAL_ERROR",
        message: 'The server failed on "r1"; its log says why, by error x1. Try again.',
        details: { error_id: "x1" },
      });
    }
  });

  it.each(["EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ENOMEM"])("%s is of now: it says when to try again", (code) => {
    const fault = asFault(restoreError(describeError(system(code))), "x1", "r1");
    expect(fault).toMatchObject({ code: "SERVICE_UNAVAILABLE", afterMs: 5_000, details: { error_id: "x1" } });
    expect(fault.message).not.toMatch(/secret|open/);
  });

  it("a failure of the store is told as what it is, and why by the id alone", () => {
    const failure = new StreamerError("STORAGE_ERROR", "refused", { afterMs: 5, cause: new Error("disk I/O error at /srv/secret") });
    expect(isForUser(failure)).toBe(false);
    expect(asFault(failure, "x1", "r1")).toMatchObject({
      code: "STORAGE_ERROR",
      message: "refused",
      afterMs: 5,
      details: { error_id: "x1" },
    });
  });

  it.each(Object.entries(OF_AUTHORS))("%s is the author's", (_, error) => {
    expect(isForUser(error)).toBe(true);
    expect(isForUser(restoreError(describeError(error)))).toBe(true);
  });
});
