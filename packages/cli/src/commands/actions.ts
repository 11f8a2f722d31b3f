/** streamer actions: what a server can do, as a list, one by one, or as an AsyncAPI document. */
import type { Command } from "commander";
import type { ActionDescription } from "@streamer/client";
import { asyncApiDocument } from "@streamer/protocol/asyncapi";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { actionDetails, actionTable } from "../action-text.ts";
import { EXIT, EXIT_HELP, ExitError } from "../exit.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

interface Options extends AccessOptions {
  readonly asyncapi?: boolean;
  readonly json?: boolean;
}

const HELP = `
Examples:
  $ streamer actions
  $ streamer actions generate_report
  $ streamer actions --json | jq -r .action
  $ streamer actions --asyncapi > asyncapi.json
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("What the server can do: its actions, what they take and give, and their limits.")
    .argument("[action]", "one of them, in detail (default: a list of all)")
    .option("--asyncapi", "print an AsyncAPI 3 document of the protocol and these actions")
    .option("--json", "print each as a JSON line, with its JSON Schemas");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((action: string | undefined, options: Options) => actions(action, options, shell));
}

async function actions(name: string | undefined, options: Options, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  const access = findAccess(options, shell);
  await using client = await openClient(access);
  const found = select(await client.actions(), name);
  if (options.asyncapi) {
    const { state } = client;
    const serverVersion = state.status === "open" ? state.serverVersion : "unknown";
    terminal.printJson(asyncApiDocument({ url: access.url, serverVersion, actions: found }), "pretty");
  } else if (options.json) for (const action of found) terminal.printJson(action);
  else for (const line of name === undefined ? actionTable(found, terminal) : actionDetails(found[0]!, terminal)) terminal.print(line);
}

function select(all: readonly ActionDescription[], name: string | undefined): readonly ActionDescription[] {
  if (name === undefined) return all;
  const found = all.filter(({ action }) => action === name);
  if (found.length > 0) return found;
  const known = all.map(({ action }) => action).join(", ");
  throw new ExitError(EXIT.failed, `There is no action "${name}"; known actions are ${known}.`, "INVALID_ACTION");
}
