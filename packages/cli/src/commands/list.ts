/** streamer list: the user's requests, newest first. */
import type { Command } from "commander";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { EXIT_HELP } from "../exit.ts";
import { requestJson, tableOf } from "../request-text.ts";
import { addSelectionOptions, select, type Selection } from "../selection.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface ListOptions extends AccessOptions, Selection {
  readonly limit: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

const HELP = `
Examples:
  $ streamer list
  $ streamer list --status FAILED --action generate_report --since 24h
  $ streamer list --all --json | jq -r .request_id
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  addSelectionOptions(command.description("Your requests, newest first."))
    .option("--limit <n>", "at most so many", wholeNumber(1, 1_000_000), 20)
    .option("--all", "every one")
    .option("--json", "print each as a JSON line");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((options: ListOptions) => list(options, shell));
}

async function list(options: ListOptions, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  await using client = await openClient(findAccess(options, shell));
  // One more than is shown, to know whether there are more.
  const most = options.all ? Infinity : options.limit + 1;
  const found = await select(client, options, most);
  const shown = options.all ? found : found.slice(0, options.limit);
  if (options.json) for (const request of shown) terminal.printJson(requestJson(request));
  else if (shown.length === 0) terminal.note("No such requests.");
  else for (const line of tableOf(shown, Date.now(), terminal)) terminal.print(line);
  if (found.length > shown.length) terminal.note(`There are more: --all shows every one, --limit more than ${options.limit}.`);
}
