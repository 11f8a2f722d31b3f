/** Joins a recipe with the table `clean`: which cell each of its inputs is, and an ENUM type for each text's categories. */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { InputColumn } from "./columns.ts";
import type { Binding, Recipe } from "./recipe.ts";

const taken = new WeakMap<Database, number>();

/**
 * An ENUM is a dictionary: TRY_CAST to it finds a text's code by hash, row by row in order, where a join would reorder
 * and a CASE would compare with every category.
 */
export async function bind(database: Database, { inputs }: Pick<Recipe, "inputs">, columns: readonly InputColumn[]): Promise<Binding> {
  const types: (string | undefined)[] = [];
  for (const input of inputs) {
    if (input.kind !== "text") {
      types.push(undefined);
      continue;
    }
    const number = (taken.get(database) ?? 0) + 1;
    taken.set(database, number);
    const type = identifier(`categories ${number}`);
    await database.execute(`CREATE TYPE ${type} AS ENUM (${input.categories.map(literal).join(", ")})`);
    types.push(type);
  }
  const cells = inputs.map(({ column }) => columns.find(({ name }) => name === column)!.cell);
  return { cells, types };
}
