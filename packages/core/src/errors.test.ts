import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asError,
  describeError,
  Fatal,
  isFatal,
  isPassing,
  isRetryAfter,
  isStopped,
  isStreamerError,
  restoreError,
  RetryAfter,
  Stopped,
  StreamerError,
  WorkerDied,
} from "./errors.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;
const fail = (): never => {
  throw new Error("a trap");
};
const traps: ProxyHandler<object> = { get: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail, ownKeys: fail, has: fail };
function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** What has been thrown, or could be. */
const ODD: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  number: 12,
  bigint: 12n,
  symbol: Symbol("s"),
  function: () => 1,
  "empty text": "",
  "long text": "x".repeat(1e6),
  object: { code: 42 },
  "object with a message": { message: "no rows" },
  "null prototype": Object.create(null),
  "message that is an object": Object.assign(new Error("x"), { message: { code: 42 } }),
  "message that is a symbol": Object.assign(new Error("x"), { message: Symbol("m") }),
  "name that is no text": Object.assign(new Error("x"), { name: 1n }),
  "stack that is no text": Object.assign(new Error("x"), { stack: circular }),
  "getters that throw": Object.defineProperties(new Error("x"), {
    message: { get: fail },
    name: { get: fail },
    stack: { get: fail },
    details: { get: fail, enumerable: true },
  }),
  "circular details": Object.assign(new Fatal("bad"), { details: circular }),
  "details with a BigInt": Object.assign(new Error("bad"), { details: { row: 12n } }),
  "details that fail to print": Object.assign(new Error("bad"), { details: { toJSON: fail } }),
  "details that are a list": Object.assign(new Error("bad"), { details: [1] }),
  "large details": Object.assign(new Error("bad"), { details: { text: "x".repeat(1e6) } }),
  circular,
  "object that fails to print": { toJSON: fail, toString: fail, [Symbol.toPrimitive]: fail },
  "a proxy": new Proxy(new Error("x"), traps),
  "a proxy of a function": new Proxy(() => 1, traps),
  "a revoked proxy": revoked(new Error("x")),
  "a revoked proxy of a function": revoked(() => 1),
  "a brand without an error": { [Symbol.for("streamer.error")]: "fatal" },
  "a brand that is none": Object.assign(new Error("x"), { [Symbol.for("streamer.error")]: circular }),
  "an error that is its own cause": (() => {
    const error = new Error("x");
    error.cause = error;
    return error;
  })(),
};

function expectSound(thrown: unknown): void {
  const description = describeError(thrown);
  // It crosses to another process, and travels to clients.
  expect(structuredClone(description)).toEqual(description);
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  expect(typeof description.message).toBe("string");
  expect(description.message.length).toBeLessThanOrEqual(1_024);
  expect(description.name.length).toBeLessThanOrEqual(128);
  const error = asError(thrown);
  expect(error instanceof Error && typeof error.message === "string" && typeof error.stack === "string").toBe(true);
  expect(Object.values(error).length).toBeGreaterThanOrEqual(0);
  expect(restoreError(description).message).toBe(description.message);
  for (const is of [isFatal, isRetryAfter, isStopped, isStreamerError]) expect(typeof is(thrown)).toBe("boolean");
}

describe("whatever is thrown", () => {
  it.each(Object.entries(ODD))("%s is described, logged and restored", (_, thrown) => expectSound(thrown));

  it("any value at all is described, logged and restored", () => {
    const value = fc.anything({ withBigInt: true, withNullPrototype: true, withObjectString: true, withSparseArray: true });
    fc.assert(fc.property(value, expectSound));
    fc.assert(
      fc.property(value, (member) => expectSound(Object.assign(new Error("x"), { message: member, details: member, code: member }))),
    );
    fc.assert(fc.property(value, (garbage) => restoreError(garbage as never) instanceof Error));
  });

  it("says what there is to say", () => {
    const said = (name: keyof typeof ODD): string => describeError(ODD[name]).message;
    expect(said("number")).toBe("12");
    expect(said("symbol")).toBe("Symbol(s)");
    expect(said("object")).toBe('{"code":42}');
    expect(said("object with a message")).toBe("no rows");
    expect(said("null prototype")).toBe("An object without a message was thrown");
    expect(said("message that is an object")).toBe('{"code":42}');
    expect(said("a revoked proxy")).toBe("A value was thrown that cannot be shown");
    expect(said("circular details")).toMatch(/^bad \(its details were left out: they are not JSON: /);
    expect(said("details that are a list")).toBe("bad (its details were left out: they are not a JSON object)");
    expect(said("large details")).toMatch(
      /^bad \(its details were left out: (at least )?\d+ characters of JSON are over the limit of 16384\)$/,
    );
  });

  it("keeps an ordinary error as it is", () => {
    const error = new TypeError("plain");
    expect(asError(error)).toBe(error);
    expect(asError(new Stopped("cancelled"))).toMatchObject({ reason: "cancelled" });
  });
});

describe("errors of the surface", () => {
  it("leave out details that are not JSON, copy those that are, and know their codes", () => {
    const details = { row: 1 };
    const fatal = new Fatal("bad row", { details, code: "VALIDATION_ERROR" });
    details.row = 2;
    expect(fatal).toMatchObject({ message: "bad row", code: "VALIDATION_ERROR", details: { row: 1 } });
    expect(new Fatal("bad", { details: circular as never, code: "NOPE" as never })).toMatchObject({
      code: "PROCESSING_FAILED",
      details: undefined,
      message: expect.stringMatching(/^bad \(its details were left out/),
    });
    const odd = new StreamerError("NOPE" as never, "x".repeat(2_000), { details: { n: 1n } as never, afterMs: Number.NaN });
    expect(odd).toMatchObject({ code: "INTERNAL_ERROR", details: undefined, afterMs: undefined });
    expect(odd.message).toHaveLength(1_024);
    expect(odd.message).toMatch(/its details were left out/);
  });

  it("carry what they were caused by", () => {
    const cause = new Error("disk");
    expect(new Fatal("no", { cause }).cause).toBe(cause);
    expect(new StreamerError("STORAGE_ERROR", "no", { cause }).cause).toBe(cause);
    for (const bare of [new Fatal("no"), new StreamerError("STORAGE_ERROR", "no")]) expect(bare).not.toHaveProperty("cause");
  });

  it("pass when the store refused, or what stands before it, and at no other time", () => {
    const passing = (["STORAGE_ERROR", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR", "RATE_LIMITED"] as const).filter((code) =>
      isPassing(new StreamerError(code, "no")),
    );
    expect(passing).toEqual(["STORAGE_ERROR", "SERVICE_UNAVAILABLE"]);
    expect(isPassing(new Error("STORAGE_ERROR"))).toBe(false);
    expect(isPassing({ code: "STORAGE_ERROR" })).toBe(false);
  });

  it("have names, and are described with what they are and nothing else", () => {
    const errors = [
      new StreamerError("TIMEOUT", "a"),
      new Fatal("b"),
      new RetryAfter(5, "c"),
      new Stopped("cancelled"),
      new WorkerDied("d"),
    ];
    expect(errors.map(({ name }) => name)).toEqual(["StreamerError", "Fatal", "RetryAfter", "Stopped", "WorkerDied"]);
    const described = errors.map((error) => describeError(error));
    for (const [at, { stack }] of described.entries()) expect(stack).toBe(errors[at]!.stack);
    expect(described.map((each) => ({ ...each, stack: undefined }))).toEqual([
      { name: "StreamerError", message: "a", brand: "error", code: "TIMEOUT" },
      { name: "Fatal", message: "b", brand: "fatal", code: "PROCESSING_FAILED" },
      { name: "RetryAfter", message: "c", brand: "retry_after", afterMs: 5 },
      { name: "Stopped", message: errors[3]!.message, brand: "stopped", reason: "cancelled" },
      { name: "WorkerDied", message: "d" },
    ]);
    const odd = Object.assign(new Error("e"), { afterMs: "5", reason: "cancelled" });
    expect(Object.keys(describeError(odd)).toSorted()).toEqual(["message", "name", "stack"]);
    const restored = restoreError(described[4]!);
    expect([restored.name, restored.stack]).toEqual(["WorkerDied", described[4]!.stack]);
    expect(describeError("text")).toStrictEqual({ name: "Error", message: "text" });
  });

  it("are what can be made of them when another process sent no reason, or no code of the table", () => {
    const stopped = restoreError({ brand: "stopped", name: "Stopped", message: "why", reason: "bored" as never });
    expect([isStopped(stopped), stopped.message]).toEqual([false, "why"]);
    const odd = restoreError({ brand: "error", name: "StreamerError", message: "what", code: "NOPE" });
    expect(isStreamerError(odd) && [odd.code, odd.message]).toEqual(["INTERNAL_ERROR", "what"]);
  });

  it("are not what only looks like one: of that there is what it says", () => {
    expect(describeError({ name: "Odd", message: "m", code: "FORBIDDEN", stack: "at a" })).toEqual({ name: "Error", message: "m" });
  });

  it("are known by a brand that another copy of this package has as well", () => {
    const brand = Symbol.for("streamer.error");
    const brands = [new StreamerError("FORBIDDEN", "no"), new Fatal("no"), new RetryAfter(1), new Stopped("cancelled")].map(
      (error) => (error as unknown as Record<symbol, unknown>)[brand],
    );
    expect(brands).toEqual(["error", "fatal", "retry_after", "stopped"]);
  });

  it("survive a process boundary, brand and code kept", () => {
    const cross = (error: Error): Error => restoreError(structuredClone(describeError(error)));
    const fatal = cross(new Fatal("no", { code: "VALIDATION_ERROR", details: { row: 1 } }));
    expect(isFatal(fatal) && { code: fatal.code, details: fatal.details, message: fatal.message }).toEqual({
      code: "VALIDATION_ERROR",
      details: { row: 1 },
      message: "no",
    });
    for (const wait of [12.5, Number.NaN, 1e15]) {
      const before = new RetryAfter(wait);
      const after = cross(cross(before));
      expect(isRetryAfter(after) && [after.afterMs, after.message]).toEqual([before.afterMs, before.message]);
    }
    const stopped = cross(new Stopped("timed_out"));
    expect(isStopped(stopped) && stopped.reason).toBe("timed_out");
    const limited = cross(new StreamerError("RATE_LIMITED", "slow down", { afterMs: 10 }));
    expect(isStreamerError(limited) && [limited.code, limited.afterMs]).toEqual(["RATE_LIMITED", 10]);
  });
});

describe("RetryAfter", () => {
  const of = (asked: unknown, message?: string) => {
    const { afterMs, message: said } = new RetryAfter(asked as number, message);
    return [afterMs, said];
  };

  it("waits in whole ms, at most 31 days", () => {
    expect(of(0)).toEqual([0, "Asked to retry after 0 ms"]);
    expect(of(12.5)).toEqual([13, "Asked to retry after 13 ms"]);
    expect(of(5, "busy")).toEqual([5, "busy"]);
    expect(of(31 * 86_400_000)).toEqual([2_678_400_000, "Asked to retry after 2678400000 ms"]);
    expect(of(1_790_000_000_000, "busy")).toEqual([2_678_400_000, "busy (1790000000000 ms is more than 31 days: tried again after those)"]);
  });

  it("leaves what is no time to wait to the handler's own backoff, and says so", () => {
    const note = (what: string): string => `(${what} is no time to wait: the handler's own backoff counts)`;
    expect(of(Number.NaN)).toEqual([undefined, `Asked to be tried again ${note("NaN ms")}`]);
    expect(of(-1, "busy")).toEqual([undefined, `busy ${note("-1 ms")}`]);
    expect(of(Infinity)).toEqual([undefined, `Asked to be tried again ${note("Infinity ms")}`]);
    for (const asked of ["30", new Date(0), undefined, null, {}, 5n]) expect(of(asked)[0]).toBeUndefined();
    expect(of(new Date(0))[1]).toContain("a value of type object");
  });

  it("never gives a time that could not be stored", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.anything()), (asked) => {
        const { afterMs, message } = new RetryAfter(asked as number);
        expect(afterMs === undefined || (Number.isSafeInteger(afterMs) && afterMs >= 0)).toBe(true);
        expect(message.length).toBeLessThanOrEqual(1_024);
      }),
    );
  });
});
