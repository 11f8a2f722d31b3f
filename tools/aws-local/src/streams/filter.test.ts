import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../assembly/template.ts";
import { checkPattern, passes } from "./filter.ts";

const record = (NewImage: JsonObject | undefined, eventName = "MODIFY"): Json => ({
  eventName,
  dynamodb: { Keys: { pk: { S: "a" } }, ...(NewImage && { NewImage }) },
});
const image = (pattern: JsonObject): JsonObject => ({ dynamodb: { NewImage: pattern } });

describe("a filter", () => {
  const runnable: JsonObject = { eventName: ["INSERT", "MODIFY"], dynamodb: { NewImage: { runnable: { S: ["1"] } } } };
  it.each<[string, boolean, JsonObject, Json]>([
    ["an exact value", true, runnable, record({ runnable: { S: "1" } })],
    ["another value", false, runnable, record({ runnable: { S: "0" } })],
    ["a value that is not there", false, runnable, record({ other: { S: "1" } })],
    ["no new image", false, runnable, record(undefined, "REMOVE")],
    ["another event", false, runnable, record({ runnable: { S: "1" } }, "REMOVE")],
    ["something that exists", true, image({ a: { S: [{ exists: true }] } }), record({ a: { S: "" } })],
    ["something that must not exist", true, image({ a: { S: [{ exists: false }] } }), record({ b: { S: "" } })],
    ["something that exists and must not", false, image({ a: { S: [{ exists: false }] } }), record({ a: { S: "" } })],
    ["a prefix", true, image({ a: { S: [{ prefix: "re" }] } }), record({ a: { S: "request" } })],
    ["another prefix", false, image({ a: { S: [{ prefix: "re" }] } }), record({ a: { S: "are" } })],
    ["anything but", true, image({ a: { S: [{ "anything-but": ["x", "y"] }] } }), record({ a: { S: "z" } })],
    ["what it may not be", false, image({ a: { S: [{ "anything-but": ["x", "y"] }] } }), record({ a: { S: "y" } })],
    ["anything but, of nothing", false, image({ a: { S: [{ "anything-but": ["x"] }] } }), record({})],
    ["a number in its range", true, { dynamodb: { SizeBytes: [{ numeric: [">", 5, "<=", 10] }] } }, { dynamodb: { SizeBytes: 10 } }],
    ["a number beyond it", false, { dynamodb: { SizeBytes: [{ numeric: [">", 5, "<=", 10] }] } }, { dynamodb: { SizeBytes: 11 } }],
    // Numbers in items are texts: DynamoDB sends them so, and AWS does not compare them.
    ["a number that is a text", false, image({ a: { N: [{ numeric: ["=", 1] }] } }), record({ a: { N: "1" } })],
    ["one of several ways", true, { $or: [{ eventName: ["INSERT"] }, { eventName: ["MODIFY"] }] }, record({})],
  ])("meets %s: %s", (_, outcome, pattern, value) => {
    checkPattern("M", pattern);
    expect(passes([pattern], value)).toBe(outcome);
  });

  it("passes what any of its patterns lets through", () => {
    expect(passes([{ eventName: ["REMOVE"] }, { eventName: ["MODIFY"] }], record({}))).toBe(true);
  });

  it("is refused when it uses what is not known, or no list", () => {
    expect(() => checkPattern("Mapping1", image({ a: { S: [{ cidr: "10.0.0.0/8" }] } }))).toThrow(/Mapping1 filters S by cidr/);
    expect(() => checkPattern("Mapping1", { eventName: "INSERT" })).toThrow(/lists its values/);
  });
});
