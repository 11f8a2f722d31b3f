/**
 * How many different keys the rows of a stream have, nested ones too. DuckDB makes a column, or a field of one, of each:
 * rows that share none would keep it busy for minutes, and its memory full, before anyone could say no.
 */
import { MAX_COLUMNS } from "../input.ts";
import { invalid } from "../problem.ts";

/** Those of nested objects and lists come on top of the columns. */
const MAX_NESTED_KEYS = 10_000;

interface Branch extends Map<string, Branch> {}

export interface RowKeys {
  /** Takes note of rows as NDJSON; throws when there are more keys than can be read. */
  add(ndjson: string): void;
}

export function createRowKeys(field: string): RowKeys {
  const root: Branch = new Map();
  let nested = 0;

  function note(branch: Branch, value: unknown): void {
    if (Array.isArray(value)) for (const member of value) note(branch, member);
    else if (typeof value === "object" && value !== null)
      for (const [key, member] of Object.entries(value)) note(branchOf(branch, key), member);
  }

  function branchOf(branch: Branch, key: string): Branch {
    const found = branch.get(key);
    if (found) return found;
    if (branch !== root) nested += 1;
    else if (root.size >= MAX_COLUMNS) throw tooMany(`more than ${MAX_COLUMNS.toLocaleString("en-US")} different keys`);
    if (nested > MAX_NESTED_KEYS) throw tooMany(`more than ${MAX_NESTED_KEYS.toLocaleString("en-US")} different keys in nested values`);
    const made: Branch = new Map();
    branch.set(key, made);
    return made;
  }

  const tooMany = (what: string): Error =>
    invalid(
      field,
      `the rows have ${what}, and each would be a column of its own. Send names as values, such as {"name": "k1", "value": 1}`,
    );

  return {
    add: (ndjson) => {
      for (const line of ndjson.split("\n")) if (line !== "") note(root, JSON.parse(line));
    },
  };
}
