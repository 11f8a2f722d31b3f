/** Handlers as clients are told of them: what they do, take and give, and within which limits. Pure, and made once. */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { ActionDescription, JsonObject } from "@streamer/protocol";
import type { AnyHandler } from "../handler.ts";
import { HIGHEST_PRIORITY, mostAsked, type MostAskedOf } from "./asked-options.ts";
import type { Calibration } from "./run-series.ts";

/** Made when first asked for: schemas take time to print, and most processes are never asked. */
export function createDescriptions(handlers: ReadonlyMap<string, AnyHandler>, defaults: MostAskedOf): () => readonly ActionDescription[] {
  let descriptions: readonly ActionDescription[] | undefined;
  return () => (descriptions ??= Array.from(handlers.values(), (handler) => describe(handler, defaults)));
}

/** A description with how well what was told of the action's runs has held, once some have been told. */
export function calibrated(described: ActionDescription, calibration: Calibration | undefined): ActionDescription {
  if (!calibration) return described;
  const { withinP90, runs } = calibration;
  return { ...described, calibration: { within_p90: Math.round(withinP90 * 1_000) / 1_000, runs } };
}

function describe(handler: AnyHandler, defaults: MostAskedOf): ActionDescription {
  const { action, description, estimate, concurrency, permissions } = handler;
  const most = mostAsked(handler, defaults);
  const input = jsonSchema(handler.input as StandardSchemaV1);
  const output = handler.output && jsonSchema(handler.output);
  return {
    action,
    ...(description !== undefined && { description }),
    ...(input && { input }),
    ...(output && { output }),
    ...(typeof estimate === "number" && { estimated_ms: estimate }),
    timeout_ms: most.timeoutMs,
    max_attempts: most.maxAttempts,
    ...(most.priority < HIGHEST_PRIORITY && { max_priority: most.priority }),
    ...(concurrency && {
      concurrency: {
        ...(concurrency.total !== undefined && { total: concurrency.total }),
        ...(concurrency.perTenant !== undefined && { per_tenant: concurrency.perTenant }),
      },
    }),
    permissions: permissions ?? [],
  };
}

/**
 * What a schema takes in, by the Standard JSON Schema interface; undefined when its library has none or cannot say it in
 * JSON Schema. Draft 7 is what AsyncAPI embeds. Of an output, too, it is what goes in: results are not parsed.
 */
function jsonSchema(schema: StandardSchemaV1): JsonObject | undefined {
  const { jsonSchema: converter } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
  try {
    // zod's word for "say what can be said"; other libraries pass over it.
    const printed = converter?.input({ target: "draft-07", libraryOptions: { unrepresentable: "any" } });
    return printed && (JSON.parse(JSON.stringify(printed)) as JsonObject);
  } catch {
    return undefined;
  }
}
