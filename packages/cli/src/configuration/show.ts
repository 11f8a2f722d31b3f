/** The options as people read them: what is in force, and the reference of all there are. */
import { defaultOf } from "./flags.ts";
import { OPTION_NAMES, flagOf, optionOf, variableOf, type OptionName } from "./options.ts";
import type { Configuration, InForce } from "./resolve.ts";

const HIDDEN = "(hidden)";

/** A value without what must not be seen: secrets, and who logs in by an URL. */
export function shownValue(name: OptionName, value: unknown): unknown {
  if (value === undefined) return null;
  const { secret, kind } = optionOf(name);
  if (secret) return HIDDEN;
  if (kind.shown) return kind.shown(value);
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (!url || (url.username === "" && url.password === "")) return value;
  url.username = url.username === "" ? "" : "hidden";
  url.password = url.password === "" ? "" : "hidden";
  return url.href;
}

/** Where a value is written, so that it can be changed there. */
export function placeOf(name: OptionName, { from }: InForce, file: string | undefined): string {
  if (from === "flag") return flagOf(name);
  if (from === "environment") return variableOf(name);
  return from === "file" ? file! : "default";
}

/** A line for each option: its name, its value, where that is from. */
export function configurationLines({ sources, file }: Configuration): readonly string[] {
  const rows = OPTION_NAMES.map((name) => {
    const value = shownValue(name, sources[name].value);
    return [name, value === null ? defaultOf(name) : textOf(value), placeOf(name, sources[name], file)] as const;
  });
  const [names, values] = [0, 1].map((column) => Math.min(48, Math.max(...rows.map((row) => row[column]!.length))));
  return rows.map(([name, value, place]) => `${name.padEnd(names!)}  ${value.padEnd(values!)}  ${place}`);
}

const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.join(",") : typeof value === "string" ? value : JSON.stringify(value);

/** As docs/guides/configuration.md has it. */
export function referenceLines(): readonly string[] {
  const rows = OPTION_NAMES.map((name) => {
    const { kind, meaning, secret, default: constant } = optionOf(name);
    const inFile = secret ? "" : `\`${name}\``;
    const flag = secret ? "" : `\`${flagOf(name)}${kind.placeholder === undefined ? "" : ` <${kind.placeholder}>`}\``;
    const held = constant === undefined || constant === false ? defaultOf(name) : `\`${defaultOf(name)}\``;
    return [inFile, flag, `\`${variableOf(name)}\``, held, kind.says, meaning].join(" | ");
  });
  return [
    "| in the file | flag | variable | default | what it takes | meaning |",
    "|---|---|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
  ];
}
