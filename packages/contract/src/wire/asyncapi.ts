/**
 * Whether a document is AsyncAPI 3: by the official JSON Schema, and by what that schema cannot say, that every
 * reference leads somewhere.
 */
import specs from "@asyncapi/specs";
import { Ajv, type ValidateFunction } from "ajv";
import type { JsonObject, JsonValue } from "@streamer/protocol";

// Formats are left alone: they would take another package and say nothing of ours.
const OPTIONS = { strict: false, validateFormats: false } as const;
// AsyncAPI's schema brings JSON Schema's own along.
const ajv = new Ajv({ ...OPTIONS, allErrors: true, meta: false, validateSchema: false });
let validate: ValidateFunction | undefined;

/** Everything that is wrong with it; nothing when it is right. */
export function asyncApiProblems(document: JsonObject): readonly string[] {
  validate ??= ajv.compile(specs.schemas["3.0.0"] as object);
  const problems = validate(document) ? [] : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
  const lost = referencesOf(document).filter((reference) => lookUp(document, reference) === undefined);
  return [...problems, ...lost.map((reference) => `${reference} leads nowhere`)];
}

/** Checks values against the schemas within the document, the way a reader of it would. */
export function readerOf(document: JsonObject): (pointer: string, value: unknown) => boolean {
  const reader = new Ajv({ ...OPTIONS, validateSchema: false }).addSchema(document, "document");
  return (pointer, value) => reader.getSchema(`document${pointer}`)!(value) === true;
}

function referencesOf(value: JsonValue | undefined): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const here = (value as JsonObject)["$ref"];
  return [
    ...(typeof here === "string" ? [here] : []),
    ...Object.values(value).flatMap((member: JsonValue | undefined) => referencesOf(member)),
  ];
}

function lookUp(document: JsonObject, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  const names = reference
    .split("/")
    .slice(1)
    .map((name) => decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document);
}
