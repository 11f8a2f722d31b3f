/**
 * vitest's surface, as far as core's tests and the contract use it, over tests that can be run one by one, again and
 * again, in one process. What a test expects is vitest's own `expect`.
 */
import { format } from "node:util";

export { expect, expectTypeOf, vi } from "vitest";

/** Some of `expect` asks for the settings of vitest's process, which this is not. */
Object.assign(globalThis, { __vitest_worker__: { config: { snapshotOptions: {}, expect: {} }, filepath: "" } });

type Body = (...values: readonly unknown[]) => unknown;

export interface Test {
  readonly id: string;
  readonly name: string;
  readonly run: () => Promise<void>;
}

interface Group {
  readonly name: string;
  readonly before: Body[];
  readonly after: Body[];
}

export const tests: Test[] = [];
let groups: readonly Group[] = [];
let file = "";
let countInFile = 0;

/** What is registered from now on is of this file. */
export function begin(name: string): void {
  file = name;
  countInFile = 0;
  groups = [{ name, before: [], after: [] }];
}

export function describe(name: string, register: () => void): void {
  const outside = groups;
  groups = [...outside, { name, before: [], after: [] }];
  try {
    register();
  } finally {
    groups = outside;
  }
}

export const beforeEach = (body: Body): void => void groups.at(-1)!.before.push(body);
export const afterEach = (body: Body): void => void groups.at(-1)!.after.push(body);

function add(name: string, ...more: readonly unknown[]): void {
  const body = more.find((value) => typeof value === "function") as Body;
  const around = groups;
  tests.push({
    id: `${file}#${(countInFile += 1)}`,
    name: [...around.slice(1).map((group) => group.name), name].join(" > "),
    run: async () => {
      for (const { before } of around) for (const prepare of before) await prepare();
      try {
        await body();
      } finally {
        for (const { after } of around.toReversed()) for (const tidy of after) await tidy();
      }
    },
  });
}

const each =
  (table: readonly unknown[]) =>
  (name: string, body: Body): void => {
    for (const row of table) {
      const values = Array.isArray(row) ? (row as readonly unknown[]) : [row];
      // No more than the name asks for: some values of these tests must not be looked at.
      const asked = name.match(/%[sdj]/g)?.length ?? 0;
      add(format(name, ...values.slice(0, asked)), () => body(...values));
    }
  };

export const it: typeof add & { readonly each: typeof each } = Object.assign(add, { each });
