/** An action as `actions` prints it for people: its limits in words, its schemas as TypeScript. */
import type { ActionDescription } from "@streamer/client";
import type { JsonObject } from "@streamer/protocol";
import { visibleText } from "@streamer/protocol/visible";
import { createClaim } from "./declarations.ts";
import { namedTypes } from "./schema-types.ts";
import type { Terminal } from "./terminal.ts";
import { formatSpan } from "./time-span.ts";

export function actionTable(actions: readonly ActionDescription[], { style, stdout }: Terminal): readonly string[] {
  const names = actions.map(({ action }) => visibleText(action));
  const width = Math.max(...names.map(({ length }) => length));
  return actions.map(({ description = "" }, index) => `${style("bold", names[index]!.padEnd(width), stdout)}  ${description}`.trimEnd());
}

export function actionDetails(told: ActionDescription, { style, stdout }: Terminal): readonly string[] {
  const {
    action,
    description,
    estimated_ms,
    timeout_ms,
    max_attempts,
    max_priority,
    calibration,
    concurrency,
    permissions,
    input,
    output,
  } = told;
  const atOnce = [
    ...(concurrency?.total === undefined ? [] : [`${concurrency.total} in all`]),
    ...(concurrency?.per_tenant === undefined ? [] : [`${concurrency.per_tenant} of a tenant`]),
  ];
  const atMost = [
    `${formatSpan(timeout_ms)} an attempt`,
    `${max_attempts} attempt${max_attempts === 1 ? "" : "s"}`,
    ...(max_priority === undefined ? [] : [`priority ${max_priority}`]),
  ];
  const details: readonly (readonly [string, string | undefined])[] = [
    ["action", action],
    ["does", description],
    ["expected", estimated_ms === undefined ? "by the input, or learned" : `about ${formatSpan(estimated_ms)}`],
    ["calibrated", calibration && calibrationText(calibration)],
    ["at most", atMost.join(", ")],
    ["at once", atOnce.join(", ") || undefined],
    ["permissions", permissions.join(", ") || undefined],
  ];
  return [
    ...details.flatMap(([name, value]) => (value === undefined ? [] : [`${style("dim", name.padEnd(11), stdout)} ${value}`])),
    "",
    ...schemaLines("Input", input),
    ...schemaLines("Result", output),
  ];
}

function calibrationText({ within_p90: withinP90, runs }: NonNullable<ActionDescription["calibration"]>): string {
  return `${Math.round(100 * withinP90)} % of ${runs === 1 ? "1 run" : `${runs} runs, newer ones counting more,`} ended within the p90 told at its start`;
}

function schemaLines(name: string, schema: JsonObject | undefined): readonly string[] {
  if (!schema) return [`type ${name} = unknown; // the server tells no schema`];
  return namedTypes(name, schema, createClaim()).flatMap(({ name: own, type }) => `type ${own} = ${type};`.split("\n"));
}
