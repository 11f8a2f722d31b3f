/** The words of a command line, read from the program itself: what a shell completes. */
import type { Argument, Command, Option } from "commander";

/** What stands in a place: one of these words, a file, a folder, or something only its user knows. */
export type Value = { readonly words: readonly string[] } | "file" | "folder" | "anything";

export interface OptionWords {
  readonly long: string;
  readonly short?: string;
  readonly description: string;
  /** Absent for a flag. */
  readonly value?: Value;
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  readonly arguments: readonly Value[];
}

export function wordsOf(program: Command): readonly CommandWords[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    options: command.createHelp().visibleOptions(command).map(optionWords),
    arguments: command.registeredArguments.map((argument) => valueOf(argument)),
  }));
}

function optionWords(option: Option): OptionWords {
  const { long, short, description, required, optional } = option;
  return {
    long: long!,
    ...(short !== undefined && { short }),
    // Defaults and the like take more room than a list of words has.
    description: description.split(" (")[0]!,
    ...((required || optional) && { value: valueOf(option) }),
  };
}

function valueOf(place: Option | Argument): Value {
  if (place.argChoices) return { words: place.argChoices };
  const name = "flags" in place ? /[<[](\w+)/.exec(place.flags)?.[1] : place.name();
  return name === "file" || name === "folder" ? name : "anything";
}
