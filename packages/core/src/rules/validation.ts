/** A payload against its handler's Standard Schema: the typed input, or every issue with its path. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { WireIssue } from "@streamer/protocol";

export type Validated = { readonly ok: true; readonly input: unknown } | { readonly ok: false; readonly issues: readonly WireIssue[] };

/** More issues than this help nobody. */
const MAX_ISSUES = 100;

/** At once when the schema answers at once. */
export function validate(schema: StandardSchemaV1, payload: unknown): Validated | Promise<Validated> {
  const checked = schema["~standard"].validate(payload);
  return checked instanceof Promise ? checked.then(asValidated) : asValidated(checked);
}

function asValidated(result: StandardSchemaV1.Result<unknown>): Validated {
  if (!result.issues) return { ok: true, input: result.value };
  const issues = result.issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => ({ path: ["payload", ...(path ?? []).map(segment)], message }));
  return { ok: false, issues };
}

function segment(part: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof part === "object" ? part.key : part;
  return typeof key === "number" ? key : String(key);
}

/** The issues as `details` of a VALIDATION_ERROR, and as one sentence. */
export function describeIssues(action: string, issues: readonly WireIssue[]) {
  const first = issues[0]!;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return {
    message: `The payload of "${action}" is invalid: ${first.path.join(".")}: ${first.message}${more}`,
    details: { issues: issues.map(({ path, message }) => ({ path, message })) },
  };
}
