/** streamer watch: follows a request that was sent before, from its beginning. */
import type { Command } from "commander";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { EXIT_HELP } from "../exit.ts";
import { deliver } from "../outcome.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

const HELP = `
Ctrl-C cancels the request, as in "streamer request"; a second one leaves it running.

Examples:
  $ streamer watch 3f1c…
  $ streamer watch 3f1c… --out ./reports --json
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Follow a request sent before: its progress so far, then live, then its result.")
    .argument("<id>", "the request's id")
    .option("--out <folder>", "download the file the result links to into this folder (default: do not)")
    .option("--json", "print events as JSON lines, the outcome last");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action(async (id: string, options: AccessOptions & { readonly out?: string; readonly json?: boolean }) => {
      const terminal = createTerminal(shell, options.json);
      const access = findAccess(options, shell);
      await using client = await openClient(access);
      await deliver({ run: client.attach(id), client, terminal, access, ...(options.out !== undefined && { out: options.out }) });
    });
}
