/** streamer types: TypeScript declarations of a server's actions, for whoever has not got its handlers' source. */
import type { Command } from "commander";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { declarationsOf } from "../declarations.ts";
import { EXIT_HELP } from "../exit.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

const HELP = `
The same actions give the same text: committed, it shows by a diff when the server has changed.

Examples:
  $ streamer types > actions.d.ts
  $ streamer types | diff actions.d.ts -

  import type { Actions } from "./actions.d.ts";
  const client = connect<Actions>("wss://streamer.example.com", { token });
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  addAccessOptions(command.description("TypeScript declarations of the server's actions, for connect<Actions>()."))
    .addHelpText("after", HELP)
    .action(async (options: AccessOptions) => {
      await using client = await openClient(findAccess(options, shell));
      createTerminal(shell).document(declarationsOf(await client.actions()));
    });
}
