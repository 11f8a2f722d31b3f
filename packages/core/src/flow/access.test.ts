import { expect, it } from "vitest";
import { defineHandler, type AnyHandler } from "../handler.ts";
import { resolveOptions } from "../options.ts";
import type { Connection } from "../ports/connections.ts";
import { createAccess } from "./access.ts";

const input = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const handler = (action: string, permissions?: readonly string[]): AnyHandler =>
  defineHandler({ action, input, run: () => 1, ...(permissions && { permissions }) });
const bearer = (...permissions: string[]) => ({ permissions }) as unknown as Connection;

const list = [handler("free"), handler("open", []), handler("guarded", ["work.do"])];
const access = createAccess({ handlers: new Map(list.map((one) => [one.action, one])), middleware: [], options: resolveOptions() });

it("an action is entered by whoever has the right to it, and one that there is not by nobody", () => {
  expect(access.enter("free", bearer()).action).toBe("free");
  expect(access.enter("guarded", bearer("work.do")).action).toBe("guarded");
  expect(() => access.enter("guarded", bearer())).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
  expect(() => access.enter("gone", bearer())).toThrow(expect.objectContaining({ code: "INVALID_ACTION" }));
});

it("P10 requests of an action that has no handler any more are their user's, whatever its token carries", () => {
  expect(access.check("gone", bearer())).toBeUndefined();
  expect(access.mayUse("gone", bearer())).toBe(true);
  expect(access.mayUse("guarded", bearer())).toBe(false);
  expect(() => access.check("guarded", bearer())).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
  expect([access.mayUseAll(bearer()), access.mayUseAll(bearer("work.do"))]).toEqual([false, true]);
});
