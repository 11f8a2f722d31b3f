import { expect, it } from "vitest";
import { checkPermission, mayUse } from "./permission.ts";

const guarded = { action: "work", permissions: ["work.do", "work.see"] };

it("names each permission that is missing", () => {
  expect(() => checkPermission(guarded, { permissions: ["work.do"] })).toThrow(
    expect.objectContaining({
      code: "FORBIDDEN",
      message: 'Action "work" needs permission work.see; ask for a token that carries it.',
      details: { issues: [{ path: ["permissions"], message: "work.see" }] },
    }),
  );
  expect(() => checkPermission(guarded, { permissions: [] })).toThrow("work.do, work.see");
});

it("lets in whoever has all of them, and anybody where none is asked for", () => {
  expect(checkPermission(guarded, { permissions: ["work.see", "more", "work.do"] })).toBeUndefined();
  expect(mayUse(guarded, { permissions: ["work.see", "work.do"] })).toBe(true);
  expect(mayUse({ action: "free" }, { permissions: [] })).toBe(true);
});

it.each(["Work.do", "work.do ", "work.*", "*", "work", "__proto__", "work.do\0"])("%j is not the permission that is asked for", (held) => {
  expect(mayUse({ action: "work", permissions: ["work.do"] }, { permissions: [held] })).toBe(false);
});
