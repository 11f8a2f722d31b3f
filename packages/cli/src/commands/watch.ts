/** streamer watch: follows requests that were sent before, from their beginnings. */
import type { Command } from "commander";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { EXIT_HELP } from "../exit.ts";
import { deliver } from "../outcome.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

interface WatchOptions extends AccessOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const HELP = `
Several are followed together; each prints a line of JSON when it ends. Ctrl-C cancels, as in "streamer request"; a
second one leaves what goes on running.

Examples:
  $ streamer watch 3f1c…
  $ streamer watch 3f1c… 77aa…
  $ streamer watch 3f1c… --out ./reports --json
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Follow requests sent before: their progress so far, then live, then their results.")
    .argument("<ids...>", "the requests' ids")
    .option("--out <folder>", "download the file the result links to into this folder (default: do not)")
    .option("--force", "write over a file of the same name there (default: leave it, and fail)")
    .option("--json", "print events as JSON lines, the outcome last");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action(async (ids: readonly string[], options: WatchOptions) => {
      const terminal = createTerminal(shell, options.json);
      const access = findAccess(options, shell);
      await using client = await openClient(access);
      const runs = [...new Set(ids)].map((id) => client.attach(id));
      await deliver({ runs, client, terminal, access, out: options.out, force: options.force });
    });
}
