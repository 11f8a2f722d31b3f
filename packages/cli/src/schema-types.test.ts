import { expect, it } from "vitest";
import type { JsonObject } from "@streamer/protocol";
import { createClaim } from "./declarations.ts";
import { namedTypes, pascalCase } from "./schema-types.ts";

const typeOf = (schema: JsonObject): string => namedTypes("T", schema, createClaim())[0]!.type.replaceAll(/\s+/g, " ");
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: "object", properties, ...more });

it.each<[JsonObject, string]>([
  [{}, "unknown"],
  [{ type: "string", minLength: 3, format: "date" }, "string"],
  [{ type: "integer" }, "number"],
  [{ type: ["string", "null"] }, "string | null"],
  [{ const: "a" }, '"a"'],
  [{ enum: ["a", 1, null, true] }, '"a" | 1 | null | true'],
  [{ enum: [["a"], { b: 1 }] }, 'readonly ["a"] | { readonly b: 1; }'],
  [{ type: "array", items: { type: "string" } }, "ReadonlyArray<string>"],
  [{ type: "array" }, "ReadonlyArray<unknown>"],
  [
    { type: "array", items: [{ type: "string" }, {}], additionalItems: { type: "number" } },
    "readonly [string, unknown, ...ReadonlyArray<number>]",
  ],
  [{ type: "array", prefixItems: [{ type: "string" }] }, "readonly [string]"],
  [{ type: "object" }, "{ readonly [key: string]: unknown }"],
  [{ type: "object", additionalProperties: { type: "number" } }, "{ readonly [key: string]: number }"],
  [{ type: "object", additionalProperties: false }, "{ readonly [key: string]: never }"],
  [object({ a: { type: "string" }, "b-c": {} }, { required: ["a"] }), '{ readonly a: string; readonly "b-c"?: unknown; }'],
  [object({ a: {} }, { additionalProperties: { type: "string" } }), "{ readonly a?: unknown; readonly [key: string]: unknown; }"],
  [{ properties: { a: { type: "null" } } }, "{ readonly a?: null; }"],
  [{ anyOf: [{ type: "string" }, { type: "number" }, { type: "string" }] }, "string | number"],
  [{ oneOf: [{ type: "string" }, {}] }, "unknown"],
  [{ allOf: [{ type: "string" }, { anyOf: [{ const: "a" }, { const: "b" }] }] }, 'string & ("a" | "b")'],
  [{ type: "file" }, "unknown"],
  [{ $ref: "https://example.com/other.json" }, "unknown"],
  [{ $ref: "#/definitions/none" }, "unknown"],
])("%j is %s", (schema, type) => {
  expect(typeOf(schema)).toBe(type);
});

it("tells descriptions and defaults, and lets nothing end a comment or a string", () => {
  const schema = object({ 'a"b': { type: "string", description: "One\n line */ export type X = 1; /*", default: "*/ 1" } });
  expect(namedTypes("T", schema, createClaim())[0]!.type).toBe(
    '{\n  /** One line *\\/ export type X = 1; /* (default "*\\/ 1") */\n  readonly "a\\"b"?: string;\n}',
  );
  expect(typeOf(object({ a: { default: [] } }))).toBe("{ /** default [] */ readonly a?: unknown; }");
});

it("names what is referred to, once, however it is nested, and a schema that holds itself", () => {
  const schema = object(
    { left: { $ref: "#" }, right: { $ref: "#/definitions/a~1node" }, other: { $ref: "#/definitions/a~1node" } },
    { definitions: { "a/node": object({ next: { $ref: "#/definitions/leaf" } }), leaf: { type: "number" } } },
  );
  expect(namedTypes("Tree", schema, createClaim(["TreeLeaf"])).map(({ name, type }) => [name, type.replaceAll(/\s+/g, " ")])).toEqual([
    ["Tree", "{ readonly left?: Tree; readonly right?: TreeA1node; readonly other?: TreeA1node; }"],
    ["TreeA1node", "{ readonly next?: TreeLeaf2; }"],
    ["TreeLeaf2", "number"],
  ]);
});

it.each([
  ["generate_report", "GenerateReport"],
  ["a.b-c_d2", "ABCD2"],
  ["x", "X"],
])("%s is called %s", (action, name) => {
  expect(pascalCase(action)).toBe(name);
});
