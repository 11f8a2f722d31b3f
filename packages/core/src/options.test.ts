import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_OPTIONS, resolveOptions } from "./options.ts";

const resolve = (options: object): unknown => resolveOptions(options);

describe("options", () => {
  it("are the defaults where nothing is said, or undefined", () => {
    expect(resolveOptions()).toEqual(DEFAULT_OPTIONS);
    expect(resolve({ leaseMs: undefined, renewMs: undefined, frames: undefined, admission: { queued: undefined } })).toEqual(
      DEFAULT_OPTIONS,
    );
  });

  it("renew a lease three times before it ends, whatever is asked for", () => {
    expect(resolveOptions({ leaseMs: 1_000 }).renewMs).toBe(1_000 / 3);
    expect(resolveOptions({ leaseMs: 1_000, renewMs: 100 }).renewMs).toBe(100);
    expect(resolveOptions({ leaseMs: 1_000, renewMs: 900 }).renewMs).toBe(1_000 / 3);
    const once = resolveOptions({ leaseMs: 1_000, runLifeMs: Infinity, admission: { queued: Infinity } });
    expect(resolveOptions(once)).toEqual(once);
  });

  it("are whole milliseconds where they are stored or sent", () => {
    expect(resolveOptions({ timeoutMs: 1500.5, retentionMs: 10.1, linkMs: 7.5, heartbeatMs: 9.9 })).toMatchObject({
      timeoutMs: 1_501,
      retentionMs: 11,
      linkMs: 8,
      heartbeatMs: 10,
    });
  });

  it.each([
    [{ leaseMs: Number.NaN }, /^Option "leaseMs" must be a positive number, from 1 to \d+; it is NaN\.$/],
    [{ leaseMs: "30000" }, /^Option "leaseMs" .*; it is of type string\.$/],
    [{ leaseMs: null }, /^Option "leaseMs" .*; it is of type null\.$/],
    [{ leaseMs: 0 }, /"leaseMs"/],
    [{ renewMs: -1 }, /"renewMs"/],
    [{ retentionMs: 0 }, /"retentionMs"/],
    [{ valueLength: 1500.5 }, /"valueLength" .*without fraction/],
    [{ timeoutMs: Infinity }, /"timeoutMs"/],
    [{ syncThresholdMs: Infinity }, /"syncThresholdMs"/],
    [{ inlineSlots: 2.5 }, /"inlineSlots"/],
    [{ quarantineAfter: 0 }, /"quarantineAfter"/],
    [{ runLifeMs: Number.NaN }, /"runLifeMs"/],
    [{ frames: { depth: 0 } }, /"frames.depth"/],
    [{ frames: 5 }, /"frames" must be an object/],
    [{ admission: { messagesPerSecond: 0 } }, /"admission.messagesPerSecond"/],
    [{ admission: { maxPriority: 10 } }, /"admission.maxPriority" .*from 0 to 9/],
    [{ takesQueued: "yes" }, /^Option "takesQueued" must be true or false\.$/],
    [{ leaseMS: 5 }, /^There is no option "leaseMS"; known are /],
    [{ admission: { queud: 5 } }, /^There is no option "admission.queud"/],
  ])("%j are refused by name", (options, problem) => {
    expect(() => resolve(options)).toThrow(problem);
  });

  it("are all checked: no number that is none gets past any of them", () => {
    const names = Object.entries(DEFAULT_OPTIONS).flatMap(([name, value]) =>
      typeof value === "boolean" ? [] : typeof value === "object" ? Object.keys(value as object).map((inner) => [name, inner]) : [[name]],
    );
    const odd = fc.oneof(fc.constantFrom(Number.NaN, -1, -Infinity, "1", null, true, 1n), fc.double({ max: -1e-9, noNaN: true }));
    fc.assert(
      fc.property(fc.constantFrom(...names), odd, (path, value) => {
        const [outer, inner] = path as [string, string?];
        expect(() => resolve({ [outer]: inner === undefined ? value : { [inner]: value } })).toThrow(`Option "${path.join(".")}"`);
      }),
    );
  });
});

it("what a user may send is never more than any limit may be, however much a connection may", () => {
  const { admission } = resolveOptions(resolveOptions({ admission: { messagesPerSecond: 1e9, bytesPerSecond: 1e12 } }));
  expect([admission.messagesPerSecondPerUser, admission.bytesPerSecondPerUser]).toEqual([1e9, 1e12]);
});
