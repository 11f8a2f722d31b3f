/** What a handler declares, checked when it is declared: later it would fail request after request. Pure. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MAX_COALESCED_UPDATES } from "@streamer/protocol";
import type { BatchingOptions } from "./batching.ts";
import { between, checkedNumbers, timeFrom, TIMEOUT, unknownName, wholeBetween, whyNot, type NumberRule } from "./declared-numbers.ts";
import type { RetryPolicy } from "./retry.ts";

const ACTION_NAME = /^[a-z][a-z0-9]*([_.-][a-z0-9]+)*$/;

const OWN: Readonly<Record<string, NumberRule>> = { timeoutMs: TIMEOUT, maxPriority: wholeBetween(0, 9) };
/** Every attempt is an event that is kept: a thousand are more than anybody reads. */
const RETRY: Readonly<Record<keyof RetryPolicy, NumberRule>> = {
  maxAttempts: wholeBetween(1, 1_000),
  baseMs: timeFrom(0),
  capMs: timeFrom(0),
};
const CONCURRENCY: Readonly<Record<string, NumberRule>> = { total: wholeBetween(1, 1e6), perTenant: wholeBetween(1, 1e6) };
const PROGRESS: Readonly<Record<keyof BatchingOptions, NumberRule>> = {
  intervalMs: timeFrom(0),
  maxUpdates: wholeBetween(1, MAX_COALESCED_UPDATES),
  urgentAbove: between(0, 100),
  minIntervalMs: timeFrom(0),
};
const PARTS: Readonly<Record<string, Readonly<Record<string, NumberRule>>>> = {
  retry: RETRY,
  concurrency: CONCURRENCY,
  progress: PROGRESS,
};

/**
 * The definition with its times rounded up to whole ms, and without what is undefined in its parts. Throws a TypeError
 * that names the handler and the member, and says what to do.
 */
export function checkedDeclaration<D extends object>(definition: D): D {
  const declared = definition as Readonly<Record<string, unknown>>;
  const { action, input, output, run, estimate } = declared;
  const refuse = (problem: string): never => {
    throw new TypeError(`Handler "${String(action)}": ${problem}`);
  };
  if (typeof action !== "string" || !ACTION_NAME.test(action) || action.length > 128) {
    refuse('the action must be lower-case words joined by "_", "-" or ".", at most 128 characters, such as "resize_images".');
  }
  if (!isSchema(input)) {
    refuse("`input` must be a Standard Schema, such as z.object({ … }); for an action without input use z.object({}).");
  }
  if (output !== undefined && !isSchema(output)) refuse("`output` must be a Standard Schema, such as z.object({ … }), or be left out.");
  if (typeof run !== "function") refuse("`run` must be a function (input, ctx) => result.");
  if (estimate !== undefined && typeof estimate !== "function") {
    const problem = whyNot(estimate, timeFrom(0));
    if (problem !== undefined) refuse(`\`estimate\` must be milliseconds or a function of the input; as a constant it ${problem}.`);
  }
  const checked: Record<string, unknown> = { ...checkedNumbers(OWN, declared, (name, problem) => refuse(`\`${name}\` ${problem}.`)) };
  for (const [part, rules] of Object.entries(PARTS)) {
    const value = declared[part];
    if (value === undefined) continue;
    if (typeof value !== "object" || value === null) refuse(`\`${part}\` must be an object, or be left out.`);
    const values = value as Readonly<Record<string, unknown>>;
    const unknown = unknownName(rules, values);
    if (unknown !== undefined) refuse(`there is no \`${part}.${unknown}\`; known are ${Object.keys(rules).join(", ")}.`);
    checked[part] = checkedNumbers(rules, values, (name, problem) => refuse(`\`${part}.${name}\` ${problem}.`));
  }
  const { percentages } = declared;
  if (percentages !== undefined && percentages !== "work" && percentages !== "time") {
    refuse('`percentages` must be "work" or "time", or be left out.');
  }
  checkTexts(declared, refuse);
  return { ...definition, ...checked };
}

const isSchema = (value: unknown): boolean => typeof (value as StandardSchemaV1 | undefined)?.["~standard"]?.validate === "function";

function checkTexts(
  { description, permissions, isolate, network }: Readonly<Record<string, unknown>>,
  refuse: (problem: string) => never,
): void {
  for (const [name, value] of Object.entries({ description, isolate })) {
    if (value !== undefined && typeof value !== "string") refuse(`\`${name}\` must be a text, or be left out.`);
  }
  if (network !== undefined && typeof network !== "boolean") refuse("`network` must be true or false, or be left out.");
  const isName = (permission: unknown): boolean => typeof permission === "string" && permission !== "";
  if (permissions !== undefined && !(Array.isArray(permissions) && permissions.every(isName))) {
    refuse('`permissions` must be a list of names, such as ["reports.write"], or be left out.');
  }
}
