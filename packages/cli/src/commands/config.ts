/** streamer config: what a server started here in this way would be told, and from where each value is. */
import type { Command } from "commander";
import { addOptions } from "../configuration/flags.ts";
import { OPTION_NAMES } from "../configuration/options.ts";
import { resolveConfiguration, type Flags } from "../configuration/resolve.ts";
import { configurationLines, placeOf, referenceLines, shownValue } from "../configuration/show.ts";
import { EXIT_HELP } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

type ConfigFlags = Flags & { readonly json?: boolean; readonly markdown?: boolean };

const HELP = `
Takes the flags of "streamer serve". A flag wins over the environment, that over the file, that over the default.
Secrets are not shown.

Examples:
  $ streamer config
  $ STREAMER_PORT=9000 streamer config --log-level warn --json
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  addOptions(command)
    .description("Show the options a server would have, and from where each is.")
    .option("--json", "print one JSON line: file, and options with value, from and place")
    .option("--markdown", "print the reference of all options instead")
    .addHelpText("after", HELP)
    .action(async ({ json, markdown, ...flags }: ConfigFlags) => {
      const terminal = createTerminal(shell, json);
      if (markdown) return terminal.document(`${referenceLines().join("\n")}\n`);
      const configuration = await resolveConfiguration(flags, shell.env);
      const { sources, file, unknownVariables } = configuration;
      if (json) {
        const options = OPTION_NAMES.map((name) => {
          const { value, from } = sources[name];
          return [name, { value: shownValue(name, value), from, place: placeOf(name, sources[name], file) }] as const;
        });
        terminal.printJson({ file: file ?? null, options: Object.fromEntries(options), unknown_variables: unknownVariables });
        return;
      }
      terminal.note(file === undefined ? "No configuration file." : `Configuration file ${file}`);
      for (const name of unknownVariables) terminal.note(`${name} is set, and is no option.`);
      for (const line of configurationLines(configuration)) terminal.print(line);
    });
}
