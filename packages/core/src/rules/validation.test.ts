import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { describeIssues, validate } from "./validation.ts";

const schema = (answer: (value: unknown) => StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>) =>
  ({ "~standard": { version: 1, vendor: "test", validate: answer } }) as const;
const issue = (path?: StandardSchemaV1.Issue["path"]) => ({ message: "is wrong", ...(path && { path }) });

describe("a payload against its schema", () => {
  it("is checked at once where the schema answers at once, and later where it does not", async () => {
    const doubled = (value: unknown) => ({ value: [value, value] });
    expect(validate(schema(doubled), 1)).toEqual({ ok: true, input: [1, 1] });
    const later = validate(
      schema((value) => Promise.resolve(doubled(value))),
      1,
    );
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toEqual({ ok: true, input: [1, 1] });
  });

  it("names each place from the payload down, whatever its schema makes paths of", () => {
    const at = Symbol("at");
    const paths = [undefined, ["rows", 3, "name"], [{ key: "rows" }, { key: 3 }], [at]];
    const checked = validate(
      schema(() => ({ issues: paths.map((path) => issue(path)) })),
      {},
    );
    expect(checked).toEqual({
      ok: false,
      issues: [["payload"], ["payload", "rows", 3, "name"], ["payload", "rows", 3], ["payload", "Symbol(at)"]].map((path) => ({
        path,
        message: "is wrong",
      })),
    });
  });

  it("has a hundred issues at most", () => {
    const issues = Array.from({ length: 150 }, (_, at) => issue([at]));
    const checked = validate(
      schema(() => ({ issues })),
      {},
    );
    expect(!checked || checked instanceof Promise || checked.ok ? [] : checked.issues.map(({ path }) => path[1])).toEqual(
      Array.from({ length: 100 }, (_, at) => at),
    );
  });

  it("is refused in one sentence, which counts what it does not name", () => {
    const issues = [
      { path: ["payload", "a"], message: "is missing" },
      { path: ["payload", "b"], message: "is no number" },
    ];
    expect(describeIssues("work", issues.slice(0, 1)).message).toBe('The payload of "work" is invalid: payload.a: is missing');
    expect(describeIssues("work", issues)).toEqual({
      message: 'The payload of "work" is invalid: payload.a: is missing (and 1 more)',
      details: { issues },
    });
  });
});
