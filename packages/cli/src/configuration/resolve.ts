/** What is in force, and from where each value came: flag, else environment, else configuration file, else default. */
import { InvalidArgumentError } from "commander";
import { usage } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { findConfigFile, readConfigFile } from "./config-file.ts";
import { OPTION_NAMES, flagOf, isOptionName, optionOf, variableOf, type OptionName, type Settings } from "./options.ts";

type Source = "flag" | "environment" | "file" | "default";

export interface InForce {
  /** Undefined where nothing was said and there is no constant default. */
  readonly value: unknown;
  readonly from: Source;
}

export interface Configuration {
  readonly settings: Settings;
  readonly sources: Readonly<Record<OptionName, InForce>>;
  readonly file: string | undefined;
  /** Variables that look like options and are none: nothing is made of them. */
  readonly unknownVariables: readonly string[];
}

/** The flags as commander has read them, under the options' names. */
export type Flags = Readonly<Partial<Record<OptionName, unknown>>> & { readonly config?: string };

export const CONFIG_VARIABLE = "STREAMER_CONFIG";
/** Of the commands that ask a server. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([CONFIG_VARIABLE, "STREAMER_URL", "STREAMER_TOKEN", "STREAMER_PROFILE"]);

export async function resolveConfiguration(flags: Flags, env: Shell["env"], folder: string = process.cwd()): Promise<Configuration> {
  const file = findConfigFile(flags.config ?? (env[CONFIG_VARIABLE] || undefined), folder);
  const written = file === undefined ? {} : await readConfigFile(file);
  for (const key of Object.keys(written)) refuseUnknown(key, file!);
  const sources = Object.fromEntries(
    OPTION_NAMES.map((name) => [name, find(name, { flags, env, written, file })]),
  ) as unknown as Configuration["sources"];
  const values = OPTION_NAMES.map((name) => [name, sources[name].value]);
  const known = new Set([...OTHER_VARIABLES, ...OPTION_NAMES.map((name) => variableOf(name))]);
  const unknownVariables = Object.keys(env).filter((name) => name.startsWith("STREAMER_") && !known.has(name));
  return { settings: Object.fromEntries(values) as Settings, sources, file, unknownVariables };
}

interface Places {
  readonly flags: Flags;
  readonly env: Shell["env"];
  readonly written: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
}

function find(name: OptionName, { flags, env, written, file }: Places): InForce {
  const { kind, default: constant } = optionOf(name);
  if (flags[name] !== undefined) return { value: flags[name], from: "flag" };
  const variable = variableOf(name);
  // One that is set to nothing is a way to unset it.
  const told = env[variable];
  if (told) return { value: read(variable, () => kind.fromText(told)), from: "environment" };
  if (written[name] !== undefined) {
    return { value: read(`"${name}" in ${file}`, () => kind.fromValue(written[name], file!)), from: "file" };
  }
  return { value: constant, from: "default" };
}

function read<T>(where: string, reading: () => T): T {
  try {
    return reading();
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw usage(`${where} is not valid. ${error.message}`);
    throw error;
  }
}

function refuseUnknown(key: string, file: string): void {
  if (!isOptionName(key)) {
    const near = OPTION_NAMES.find(
      (name) =>
        [flagOf(name), variableOf(name), flagOf(name).slice(2), name.toLowerCase()].includes(key) ||
        name.toLowerCase() === key.toLowerCase(),
    );
    throw usage(
      `${file} has "${key}", which is no option. ${near === undefined ? `There are: ${OPTION_NAMES.filter((name) => !optionOf(name).secret).join(", ")}.` : `It is called ${near} here.`}`,
    );
  }
  if (optionOf(key).secret)
    throw usage(
      `${file} has "${key}": files are shared and kept in repositories. Give it by ${variableOf(key)}, or name a file of its own by secretFile.`,
    );
}
