/**
 * Field checkers: the frames of messages.ts are declared once with these; the TypeScript types, the validation and the
 * JSON Schemas of the AsyncAPI document follow from that one declaration. A checker adds issues, it never throws; unknown
 * members are ignored. A schema is never stricter than its check: it counts characters where the check counts code units.
 */
import { REQUEST_STATUSES, type RequestStatus } from "./status.ts";
import { ERROR_CODES, isErrorCode, type ErrorCode, type WireError, type WireIssue } from "./error-codes.ts";
import { isJsonObject, type JsonObject, type JsonPath, type JsonScalar, type JsonValue } from "./json.ts";

export interface Field<T> {
  /** Whether a value passes. `check` says why not: nearly all pass, and need no reasons. */
  readonly accepts: (value: unknown) => boolean;
  /** Adds an issue for each problem of `value`. */
  readonly check: (value: unknown, path: JsonPath, issues: WireIssue[]) => void;
  /** The same as JSON Schema, draft 7. */
  readonly schema: JsonObject;
  readonly optional?: true;
  readonly "~type"?: T;
}
export interface OptionalField<T> extends Field<T> {
  readonly optional: true;
}
export type Shape = Readonly<Record<string, Field<unknown>>>;

type TypeOf<F> = F extends Field<infer T> ? T : never;
type OptionalKeys<S extends Shape> = { [K in keyof S]: S[K] extends OptionalField<unknown> ? K : never }[keyof S];
/** The TypeScript type of the objects a shape accepts. */
export type Infer<S extends Shape> = { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: TypeOf<S[K]> } & {
  readonly [K in OptionalKeys<S>]?: TypeOf<S[K]>;
};

const field = <T>(schema: JsonObject, accepts: (value: unknown) => boolean, expected: string): Field<T> => ({
  schema,
  accepts,
  check: (value, path, issues) => {
    if (!accepts(value)) issues.push({ path, message: `expected ${expected}` });
  },
});

export function optional<T>(inner: Field<T>): OptionalField<T> {
  return { ...inner, optional: true };
}

/** Well formed: a lone surrogate could be neither encoded nor told from another. */
export const text = (minLength: number, maxLength: number): Field<string> =>
  field(
    { type: "string", minLength, ...(maxLength < Infinity && { maxLength }) },
    (value) => typeof value === "string" && value.length >= minLength && value.length <= maxLength && value.isWellFormed(),
    `a well-formed string of ${minLength} to ${maxLength} characters`,
  );

export const oneOf = <const T extends string>(...values: readonly T[]): Field<T> =>
  field({ enum: values }, (value) => (values as readonly unknown[]).includes(value), `one of ${values.join(", ")}`);

export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER): Field<number> =>
  field(
    { type: "integer", minimum: min, ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }) },
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    `a whole number from ${min} to ${max}`,
  );

export const number = (min: number, max: number): Field<number> =>
  field(
    { type: "number", minimum: min, ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }) },
    (value) => typeof value === "number" && value >= min && value <= max,
    `a number from ${min} to ${max}`,
  );

export const boolean: Field<boolean> = field({ type: "boolean" }, (value) => typeof value === "boolean", "true or false");
export const json: Field<JsonValue> = field({}, (value) => value !== undefined, "a JSON value");
export const status: Field<RequestStatus> = oneOf(...REQUEST_STATUSES);

/** An object whose members are all JSON, such as progress metadata. */
export const jsonObject: Field<{ readonly [key: string]: JsonValue | undefined }> = field({ type: "object" }, isJsonObject, "an object");

/** An object without depth. `maxLength` holds for names and for texts. */
export const scalarMap = (maxEntries: number, maxLength: number): Field<Readonly<Record<string, JsonScalar>>> =>
  field(
    {
      type: "object",
      maxProperties: maxEntries,
      propertyNames: { maxLength },
      additionalProperties: { type: ["string", "number", "boolean", "null"], maxLength },
    },
    (value) =>
      isJsonObject(value) &&
      Object.keys(value).length <= maxEntries &&
      Object.entries(value).every(([key, member]) => key.length <= maxLength && isScalar(member, maxLength)),
    `an object of at most ${maxEntries} strings of at most ${maxLength} characters, finite numbers, booleans or nulls`,
  );

function isScalar(value: unknown, maxLength: number): value is JsonScalar {
  if (typeof value === "string") return value.length <= maxLength;
  return typeof value === "boolean" || value === null || Number.isFinite(value);
}

export function object<S extends Shape>(shape: S): Field<Infer<S>> {
  return {
    schema: schemaOf(shape),
    accepts: (value) => acceptedMembers(shape, value) !== undefined,
    check: (value, path, issues) => checkShape(shape, value, path, issues),
  };
}

export function list<T>(inner: Field<T>, maxItems: number): Field<readonly T[]> {
  return {
    schema: { type: "array", items: inner.schema, ...(maxItems < Infinity && { maxItems }) },
    accepts: (value) => Array.isArray(value) && value.length <= maxItems && value.every((item) => inner.accepts(item)),
    check: (value, path, issues) => {
      if (!Array.isArray(value) || value.length > maxItems) issues.push({ path, message: `expected an array of at most ${maxItems}` });
      else value.forEach((item, index) => inner.check(item, [...path, index], issues));
    },
  };
}

const errorCode: Field<ErrorCode> = field({ enum: Object.keys(ERROR_CODES) }, isErrorCode, "a known error code");

export const error: Field<WireError> = object({
  code: errorCode,
  message: field<string>({ type: "string" }, (value) => typeof value === "string", "a string"),
  details: optional(jsonObject),
  retry: optional(object({ retryable: boolean, after_ms: optional(integer(0)) })),
});

/** The objects a shape accepts, as JSON Schema. */
export function schemaOf(shape: Shape): JsonObject {
  const members = Object.entries(shape);
  const required = members.filter(([, { optional: isOptional }]) => !isOptional).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(members.map(([name, { schema }]) => [name, schema])),
    ...(required.length > 0 && { required }),
  };
}

/** How many members of the shape an object has, when it has all that are required and each passes. */
export function acceptedMembers(shape: Shape, value: unknown): number | undefined {
  if (!isJsonObject(value)) return undefined;
  let present = 0;
  for (const name in shape) {
    const member = shape[name]!;
    const given = value[name];
    if (given !== undefined && Object.hasOwn(value, name)) {
      if (!member.accepts(given)) return undefined;
      present += 1;
    } else if (!member.optional) return undefined;
  }
  return present;
}

export function checkShape(shape: Shape, value: unknown, path: JsonPath, issues: WireIssue[]): void {
  if (!isJsonObject(value)) {
    issues.push({ path, message: "expected an object" });
    return;
  }
  for (const [name, member] of Object.entries(shape)) {
    const present = Object.hasOwn(value, name) && value[name] !== undefined;
    if (present) member.check(value[name], [...path, name], issues);
    else if (!member.optional) issues.push({ path: [...path, name], message: "is required" });
  }
}

/** Copies the members a shape names: what travels further is what was checked, nothing else. */
export function pick<S extends Shape>(shape: S, value: Readonly<Record<string, unknown>>): Infer<S> {
  const picked: Record<string, unknown> = {};
  for (const name of Object.keys(shape)) {
    if (Object.hasOwn(value, name) && value[name] !== undefined) picked[name] = value[name];
  }
  return picked as Infer<S>;
}
