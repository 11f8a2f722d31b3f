import * as v from "valibot";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { defineHandler } from "../handler.ts";
import { resolveOptions } from "../options.ts";
import { calibrated, createDescriptions } from "./descriptions.ts";
import { register } from "./registration.ts";

const run = () => 1;
const described = (...handlers: Parameters<typeof register>[0]) => createDescriptions(register(handlers), resolveOptions())();

it("tells the limits of an action that it has, and no others", () => {
  const limited = (concurrency: { total?: number; perTenant?: number }) =>
    described(defineHandler({ action: "work", input: z.object({}), concurrency, run }))[0]!.concurrency;
  expect(limited({ total: 3 })).toEqual({ total: 3 });
  expect(limited({ perTenant: 4 })).toEqual({ per_tenant: 4 });
  expect(limited({ total: 3, perTenant: 2 })).toEqual({ total: 3, per_tenant: 2 });
});

it("tells what a handler takes and gives, and its limits", () => {
  const full = defineHandler({
    action: "resize_images",
    description: "Makes them smaller.",
    input: z.object({ album: z.string(), width: z.int().default(640) }),
    output: z.object({ url: z.url() }),
    estimate: 900,
    timeoutMs: 60_000,
    retry: { maxAttempts: 7 },
    concurrency: { perTenant: 4 },
    maxPriority: 6,
    permissions: ["images.write"],
    run: () => ({ url: "https://files.example/a1" }),
  });
  expect(described(full)).toEqual([
    {
      action: "resize_images",
      description: "Makes them smaller.",
      input: expect.objectContaining({
        $schema: "http://json-schema.org/draft-07/schema#",
        properties: { album: { type: "string" }, width: expect.objectContaining({ type: "integer", default: 640 }) },
        required: ["album"],
      }),
      output: expect.objectContaining({ properties: { url: { type: "string", format: "uri" } } }),
      estimated_ms: 900,
      timeout_ms: 60_000,
      max_attempts: 7,
      max_priority: 6,
      concurrency: { per_tenant: 4 },
      permissions: ["images.write"],
    },
  ]);
});

it("leaves out what was not declared, and an estimate that only an input gives", () => {
  const handler = defineHandler({ action: "greet", input: z.object({}), estimate: () => 5, run });
  expect(described(handler)).toMatchObject([{ action: "greet", timeout_ms: 3_600_000, max_attempts: 3, permissions: [] }]);
  for (const name of ["estimated_ms", "output", "description", "concurrency", "max_priority", "calibration"])
    expect(described(handler)[0]).not.toHaveProperty(name);
});

it("tells the highest priority that the server lets anybody ask for", () => {
  const handler = defineHandler({ action: "greet", input: z.object({}), maxPriority: 8, run });
  expect(createDescriptions(register([handler]), resolveOptions({ admission: { maxPriority: 4 } }))()).toMatchObject([{ max_priority: 4 }]);
});

it("tells how well its estimates held, once they were put to the test", () => {
  const [told] = described(defineHandler({ action: "greet", input: z.object({}), run }));
  expect(calibrated(told!, undefined)).toBe(told);
  expect(calibrated(told!, { withinP90: 0.912_34, runs: 40 })).toEqual({ ...told, calibration: { within_p90: 0.912, runs: 40 } });
});

it("says of a schema what JSON Schema can say, and nothing when its library says nothing", () => {
  const partly = defineHandler({ action: "partly", input: z.object({ at: z.date(), n: z.number() }), run });
  const mute = defineHandler({ action: "mute", input: v.object({ n: v.number() }), run });
  const failing = {
    "~standard": { version: 1, vendor: "t", validate: () => ({ value: 1 }), jsonSchema: { input: () => ({ default: 1n }) } },
  } as const;
  const broken = defineHandler({ action: "broken", input: failing, run });
  const [first, ...others] = described(partly, mute, broken);
  expect(first).toMatchObject({ input: { properties: { at: {}, n: { type: "number" } } } });
  for (const description of others) expect(description).not.toHaveProperty("input");
});

it("makes the descriptions once, and not before it is asked", () => {
  const input = vi.fn<() => object>(() => ({}));
  const schema = { "~standard": { version: 1, vendor: "t", validate: () => ({ value: 1 }), jsonSchema: { input } } } as const;
  const describe = createDescriptions(register([defineHandler({ action: "a", input: schema, run })]), resolveOptions());
  expect(input).not.toHaveBeenCalled();
  expect(describe()).toBe(describe());
  expect(input).toHaveBeenCalledOnce();
});
