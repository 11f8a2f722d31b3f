/** Counts the statements that this process gives SQLite, by what they do. */
import { DatabaseSync, StatementSync } from "node:sqlite";

export type Counts = Readonly<Record<string, number>>;

/** BEGIN, COMMIT, SAVEPOINT; INSERT, UPDATE, DELETE and SELECT with the table they name first. */
function kindOf(sql: string): string {
  const [verb = ""] = /\w+/.exec(sql) ?? [];
  const [, table] = /\b(?:INTO|UPDATE|FROM)\s+(\w+)/i.exec(sql) ?? [];
  return ["INSERT", "UPDATE", "DELETE", "SELECT", "WITH"].includes(verb.toUpperCase()) && table
    ? `${verb.toUpperCase()} ${table}`
    : verb.toUpperCase();
}

/** Counts from now on. `stop` puts everything back as it was. */
export function countStatements(): { counts(): Counts; stop(): void } {
  const all = new Map<string, number>();
  const count = (sql: string): void => {
    for (const one of sql.split(";").filter((part) => part.trim() !== "")) all.set(kindOf(one), (all.get(kindOf(one)) ?? 0) + 1);
  };
  const { run, get, all: list, iterate } = StatementSync.prototype;
  const { exec } = DatabaseSync.prototype;
  const counted = <F extends (this: StatementSync, ...values: never[]) => unknown>(original: F): F =>
    function (this: StatementSync, ...values: never[]) {
      count(this.sourceSQL);
      return original.apply(this, values);
    } as F;
  Object.assign(StatementSync.prototype, { run: counted(run), get: counted(get), all: counted(list), iterate: counted(iterate) });
  DatabaseSync.prototype.exec = function (sql) {
    count(sql);
    exec.call(this, sql);
  };
  return {
    counts: () => Object.fromEntries(Array.from(all).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    stop() {
      Object.assign(StatementSync.prototype, { run, get, all: list, iterate });
      DatabaseSync.prototype.exec = exec;
    },
  };
}
