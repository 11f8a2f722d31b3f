/**
 * JSON Schemas as TypeScript, for what a caller's compiler can hold to. What a type cannot say (lengths, patterns,
 * formats) is left out, and what is not understood is `unknown`: a type here refuses nothing that its schema allows.
 * Schemas come from a server: nothing in them may end a comment or a string.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "@streamer/protocol";

export interface NamedType {
  readonly name: string;
  readonly type: string;
}

interface Scope {
  /** The name of the type that a reference within the schema leads to. */
  readonly refer: (pointer: string) => string;
  readonly indent: string;
}

/** The type of a schema, under a name, and after it those it refers to. `claim` makes a name unique. */
export function namedTypes(wanted: string, schema: JsonObject, claim: (name: string) => string): readonly NamedType[] {
  const root = claim(wanted);
  const names = new Map([["#", root]]);
  const refer = (pointer: string): string => {
    if (lookUp(schema, pointer) === undefined) return "unknown";
    const name = names.get(pointer) ?? claim(root + pascalCase(pointer.slice(pointer.lastIndexOf("/") + 1)));
    names.set(pointer, name);
    return name;
  };
  // Printing a type may add names: they are met further on in this same walk.
  const types: NamedType[] = [];
  for (const [pointer, name] of names) types.push({ name, type: print(lookUp(schema, pointer), { refer, indent: "" }) });
  return types;
}

export const pascalCase = (text: string): string =>
  text.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());

export const keyText = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key));

export function commentText(text: string): string {
  return `/** ${text.replaceAll(/\s+/g, " ").replaceAll("*/", "*\\/")} */`;
}

function lookUp(schema: JsonObject, pointer: string): JsonValue | undefined {
  const [start, ...names] = pointer.split("/");
  if (start !== "#") return undefined;
  const unescaped = names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return unescaped.reduce<JsonValue | undefined>((value, name) => (value as JsonObject | undefined)?.[name], schema);
}

function print(schema: JsonValue | undefined, scope: Scope): string {
  if (schema === false) return "never";
  if (!isJsonObject(schema)) return "unknown";
  if (typeof schema["$ref"] === "string") return scope.refer(schema["$ref"]);
  const alternatives = ["anyOf", "oneOf"].flatMap((name) => {
    const { [name]: list } = schema;
    return Array.isArray(list) ? [union(list.map((member: JsonValue) => print(member, scope)))] : [];
  });
  const all = Array.isArray(schema["allOf"]) ? schema["allOf"].map((member: JsonValue) => print(member, scope)) : [];
  return intersection([plain(schema, scope), ...alternatives, ...all]);
}

const union = (types: readonly string[]): string => (types.includes("unknown") ? "unknown" : [...new Set(types)].join(" | "));

function intersection(types: readonly string[]): string {
  const saying = [...new Set(types)].filter((type) => type !== "unknown");
  if (saying.length < 2) return saying[0] ?? "unknown";
  return saying.map((type) => (type.includes(" | ") ? `(${type})` : type)).join(" & ");
}

/** What a schema says by itself, its combinations apart. */
function plain(schema: JsonObject, scope: Scope): string {
  if (schema["const"] !== undefined) return literal(schema["const"]);
  if (Array.isArray(schema["enum"])) return union(schema["enum"].map(literal));
  const implied = isJsonObject(schema["properties"]) ? "object" : "items" in schema ? "array" : "any";
  const types = [schema["type"] ?? implied].flat();
  return union(types.map((type) => typed(type, schema, scope)));
}

function typed(type: unknown, schema: JsonObject, scope: Scope): string {
  switch (type) {
    case "string":
    case "number":
    case "boolean":
    case "null":
      return type;
    case "integer":
      return "number";
    case "array":
      return arrayType(schema, scope);
    case "object":
      return objectType(schema, scope);
    default:
      return "unknown";
  }
}

function arrayType({ items, prefixItems, additionalItems }: JsonObject, scope: Scope): string {
  const members: unknown = Array.isArray(items) ? items : prefixItems;
  if (!Array.isArray(members)) return `ReadonlyArray<${print(items, scope)}>`;
  const rest = Array.isArray(items) ? additionalItems : items;
  const more = isJsonObject(rest) ? [`...ReadonlyArray<${print(rest, scope)}>`] : [];
  return `readonly [${[...members.map((member: JsonValue) => print(member, scope)), ...more].join(", ")}]`;
}

function objectType({ properties = {}, required, additionalProperties, patternProperties }: JsonObject, scope: Scope): string {
  const members = Object.entries(properties as JsonObject);
  if (members.length === 0) {
    const value = additionalProperties === false && !patternProperties ? "never" : print(additionalProperties, scope);
    return `{ readonly [key: string]: ${patternProperties ? "unknown" : value} }`;
  }
  const needed = Array.isArray(required) ? (required as readonly JsonValue[]) : [];
  const indent = `${scope.indent}  `;
  const lines = members.flatMap(([key, member]) => [
    ...memberComment(member).map((comment) => `${indent}${comment}`),
    `${indent}readonly ${keyText(key)}${needed.includes(key) ? "" : "?"}: ${print(member, { ...scope, indent })};`,
  ]);
  const isOpen = isJsonObject(additionalProperties) || patternProperties !== undefined;
  return ["{", ...lines, ...(isOpen ? [`${indent}readonly [key: string]: unknown;`] : []), `${scope.indent}}`].join("\n");
}

function memberComment(schema: JsonValue | undefined): readonly string[] {
  if (!isJsonObject(schema)) return [];
  const { description, default: byDefault } = schema;
  const usual = byDefault === undefined ? "" : `default ${JSON.stringify(byDefault)}`;
  if (typeof description !== "string" || description === "") return usual === "" ? [] : [commentText(usual)];
  return [commentText(usual === "" ? description : `${description} (${usual})`)];
}

function literal(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `readonly [${value.map(literal).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, member]) => `readonly ${keyText(key)}: ${literal(member)};`)
    .join(" ")} }`;
}
