/** The options as flags of a command, with what help says of each. */
import { Option, type Command } from "commander";
import { CONFIG_FILES } from "./config-file.ts";
import { OPTION_NAMES, flagOf, optionOf, variableOf, type OptionName } from "./options.ts";
import { CONFIG_VARIABLE } from "./resolve.ts";

export function addOptions(command: Command): Command {
  command.option(
    "--config <file>",
    `configuration file (default: $${CONFIG_VARIABLE}, else ${CONFIG_FILES[0]}, .js, .mjs or .json in this folder)`,
  );
  for (const name of OPTION_NAMES) for (const option of flagsOf(name)) command.addOption(option);
  return command;
}

/** Flags have no default and read no variable here: `resolve.ts` says which of all places counts. */
function flagsOf(name: OptionName): readonly Option[] {
  const { kind, meaning, secret } = optionOf(name);
  // A secret on a command line is refused by whoever reads secrets.
  if (secret) return [];
  const flag = flagOf(name);
  const said = `${meaning} (default: ${defaultOf(name)}; ${variableOf(name)})`;
  if (kind.placeholder === undefined) {
    return [new Option(flag, said), new Option(`--no-${flag.slice(2)}`, `the opposite`).hideHelp()];
  }
  const option = new Option(`${flag} <${kind.placeholder}>`, said);
  // Choices bring a reader of their own, and are listed by help.
  return [kind.choices ? option.choices([...kind.choices]) : option.argParser((text: string, before) => kind.fromText(text, before))];
}

export function defaultOf(name: OptionName): string {
  const { default: constant, otherwise } = optionOf(name);
  if (constant === undefined) return otherwise ?? "none";
  return constant === false ? "off" : String(constant);
}
