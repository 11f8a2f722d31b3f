/** streamer get: what there is of a request now. */
import type { Command } from "commander";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { EXIT_HELP } from "../exit.ts";
import { detailsOf, requestJson } from "../request-text.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

const HELP = `
It answers with exit code 0 however the request fares: "streamer watch" is the one that ends as the request does.

Examples:
  $ streamer get 3f1c…
  $ streamer get 3f1c… --json | jq .result
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("What there is of a request now: status, progress, result or error.")
    .argument("<id>", "the request's id")
    .option("--json", "print it as one JSON value");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action(async (id: string, options: AccessOptions & { readonly json?: boolean }) => {
      const terminal = createTerminal(shell, options.json);
      await using client = await openClient(findAccess(options, shell));
      const request = await client.get(id);
      if (options.json) terminal.printJson(requestJson(request));
      else for (const line of detailsOf(request, terminal)) terminal.print(line);
    });
}
