/** Where CloudFront stands in front, `connect` refuses whoever comes around it, and reads and writes nothing for them. */
import { describe, expect, it } from "vitest";
import { wireError } from "@streamer/protocol";
import { createIsFromEdge } from "../src/functions/edge.ts";
import { createConnect } from "../src/functions/entry/connect.ts";
import { connectEvent } from "./function-events.ts";

describe("the secret of CloudFront", () => {
  it("is asked for whole, whatever its length, and nothing stands for it", () => {
    const isFromEdge = createIsFromEdge("first");
    for (const shown of [undefined, "", "firs", "firstly", "FIRST", "first ", "first,", "first,first", "\0", "first".repeat(10_000)])
      expect([shown, isFromEdge(shown)]).toEqual([shown, false]);
    expect(isFromEdge("first")).toBe(true);
  });

  it("may be two while it is changed, each by itself", () => {
    const isFromEdge = createIsFromEdge("first,second");
    expect(["first", "second", "first,second", "third", ""].map(isFromEdge)).toEqual([true, true, false, false, false]);
  });

  it("is never nothing: a deployment without it ends at its start", () => {
    for (const secrets of ["", "first,", ",first"]) expect(() => createIsFromEdge(secrets)).toThrow(/empty/);
  });
});

describe("connect", () => {
  const calls: string[] = [];
  const connect = (isBehindEdge: boolean) => {
    calls.length = 0;
    const called = (name: string) => async () => void calls.push(name);
    return createConnect({
      authenticate: async () => ({ ok: false, error: wireError("UNAUTHORIZED", "no token") }),
      connections: { admit: called("admit") },
      places: { take: async () => undefined },
      connectionsPerUser: 1,
      delayQueue: { send: called("send") },
      allowedOrigins: [],
      ...(isBehindEdge && { isFromEdge: createIsFromEdge("first") }),
      now: () => 0,
    });
  };

  it("refuses who comes around CloudFront with 403, and does nothing for them", async () => {
    for (const headers of [{}, { "x-streamer-edge": "guess" }])
      expect(await connect(true)(connectEvent("c1", { headers }))).toEqual({ statusCode: 403 });
    expect(calls).toEqual([]);
  });

  it("takes who comes through it, however the header is spelled, and anybody where there is none", async () => {
    expect(await connect(true)(connectEvent("c1", { headers: { "X-Streamer-Edge": "first" } }))).toMatchObject({ statusCode: 200 });
    expect(calls).toEqual(["admit", "send"]);
    expect(await connect(false)(connectEvent("c1"))).toMatchObject({ statusCode: 200 });
  });
});
