/** What a handler hands over, made into plain JSON in the worker, where it costs nobody else. */
import {
  assertStorable,
  asError,
  describeError,
  MAX_METADATA_BYTES,
  whyUnsendable,
  type ErrorDescription,
  type Log,
  type LogFields,
} from "@streamer/core";
import type { JsonObject, JsonValue } from "@streamer/protocol";
import type { LogLine, ProgressNews } from "./worker-messages.ts";

/** Of one field of a log line. */
const MAX_FIELD_LENGTH = 8_192;

type Complain = (problem: string) => void;

/** A copy as JSON has it; undefined, after a complaint, for what is none or too large. */
export function plainMetadata(metadata: unknown, complain: Complain): JsonValue | undefined {
  const problem = whyUnsendable(metadata);
  if (problem === undefined) return JSON.parse(JSON.stringify(metadata)) as JsonValue;
  complain(problem);
  return undefined;
}

/** Progress that waits, growing by what is said meanwhile: the newest report, with the metadata of all while that is not too much. */
export interface GatheredNews {
  readonly news: ProgressNews;
  add(later: ProgressNews): void;
}

export function gatherNews(first: ProgressNews): GatheredNews {
  let { shared, update } = first;
  /** At most what the merged metadata would print as. */
  let length = lengthOf(update?.[2]);
  const together = (earlier: JsonObject | undefined, later: JsonObject | undefined): JsonObject | undefined => {
    if (!earlier || !later) return later ?? earlier;
    const merged = Object.assign(earlier, later);
    length += lengthOf(later);
    if (length > MAX_METADATA_BYTES) length = lengthOf(merged);
    if (length <= MAX_METADATA_BYTES) return merged;
    // A new key in each of many reports: only the newest can travel.
    length = lengthOf(later);
    return later;
  };
  return {
    get news() {
      return { ...(shared && { shared }), ...(update && { update }) };
    },
    add: (later) => {
      if (later.shared) shared = shared ? Object.assign(shared, later.shared) : later.shared;
      if (!later.update) return;
      const [percentage, message = update?.[1], metadata] = later.update;
      update = [percentage, message, together(update?.[2], metadata)];
    },
  };
}

const lengthOf = (metadata: JsonObject | undefined): number => (metadata ? JSON.stringify(metadata).length : 0);

/** A line that can cross, whatever was logged: a field that is not JSON becomes the reason why. */
export function logLine(level: keyof Log, fields: LogFields, message: unknown): LogLine {
  const plain: Record<string, JsonValue> = {};
  const errors: Record<string, ErrorDescription> = {};
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (value instanceof Error) errors[name] = describeError(value);
    else if (value !== undefined) plain[name] = plainField(name, value);
  }
  return { level, fields: plain, ...(Object.keys(errors).length > 0 && { errors }), message: String(message) };
}

function plainField(name: string, value: unknown): JsonValue {
  try {
    return JSON.parse(assertStorable(value, name, MAX_FIELD_LENGTH)) as JsonValue;
  } catch (error) {
    return `(${asError(error).message})`;
  }
}
