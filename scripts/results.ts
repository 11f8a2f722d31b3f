/** Figures that were measured, kept beside what measured them: one file for each kind, the newest last. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { surroundings } from "./surroundings.ts";

/** Adds one, with its surroundings, to a file of a JSON array. */
export function appendResult(path: string, measured: object): void {
  mkdirSync(dirname(path), { recursive: true });
  const earlier = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as unknown[]) : [];
  writeFileSync(path, `${JSON.stringify([...earlier, { ...surroundings(), ...measured }], undefined, 2)}\n`);
}
