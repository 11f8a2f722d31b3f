/** streamer cancel: asks for the end of requests and waits for the receipts. */
import type { Command } from "commander";
import type { CancellationReceipt, Client } from "@streamer/client";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { EXIT, EXIT_HELP, Said } from "../exit.ts";
import { describeReceipt } from "../follow.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

interface CancelOptions extends AccessOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

const HELP = `
Exit code 0 means that all of them are cancelled, 1 that some had ended before or are not known.

Examples:
  $ streamer cancel 3f1c…
  $ streamer cancel 3f1c… 77aa… --reason "wrong quarter"
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Cancel requests, and wait until they have stopped.")
    .argument("<ids...>", "the requests' ids")
    .option("--reason <text>", "told to whoever follows them")
    .option("--json", "print each receipt as a JSON line: request_id, stage, observed");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((ids: readonly string[], options: CancelOptions) => cancel(ids, options, shell));
}

async function cancel(ids: readonly string[], options: CancelOptions, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  await using client = await openClient(findAccess(options, shell));
  const cancelled = await Promise.all(
    ids.map(async (id) => {
      try {
        const { stage, observed } = await cancelOne(client, id, options.reason);
        if (options.json) terminal.printJson({ request_id: id, stage, observed });
        else terminal.print(`${id}: ${describeReceipt({ stage, observed })}`);
        return stage === "stopped";
      } catch (error) {
        terminal.fail(error);
        return false;
      }
    }),
  );
  if (cancelled.includes(false)) throw new Said(EXIT.failed);
}

async function cancelOne(client: Client, id: string, reason: string | undefined): Promise<CancellationReceipt> {
  const run = client.attach(id);
  await run.accepted;
  return run.cancel(reason);
}
