/** streamer retry: queues failed requests again, by their ids or by a filter that is looked at first. */
import type { Command } from "commander";
import type { Client } from "@streamer/client";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { announce } from "../announce.ts";
import { confirm } from "../confirm.ts";
import { EXIT_HELP, usage } from "../exit.ts";
import { deliver } from "../outcome.ts";
import { MOST_AT_ONCE } from "../payloads.ts";
import { previewLines, previewOf } from "../preview.ts";
import { addSelectionOptions, select, type Selection } from "../selection.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal, type Terminal } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface RetryOptions extends AccessOptions, Selection {
  readonly limit: number;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const HELP = `
Only FAILED requests can be run again. By filter, what matches is shown first and you are asked; --yes does not ask, and
--dry-run only shows. Each id is printed once its request is queued again; --watch follows them to their ends instead.

Examples:
  $ streamer retry 3f1c… --watch
  $ streamer retry --status FAILED --action generate_report --since 24h --dry-run
  $ streamer retry --status FAILED --action generate_report --since 24h --yes --reason "the database is back"
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command.description("Queue failed requests again: by id, or by filter.").argument("[ids...]", "the requests' ids");
  addSelectionOptions(command)
    .option("--limit <n>", "at most so many, the newest", wholeNumber(1, MOST_AT_ONCE), MOST_AT_ONCE)
    .option("--reason <text>", "told to whoever follows them")
    .option("--yes", "do not ask")
    .option("--dry-run", "show what matches, and do nothing")
    .option("--watch", "follow them to their ends")
    .option("--json", "print JSON lines: each id as it is queued, events with --watch, what matches with --dry-run");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((ids: readonly string[], options: RetryOptions) => retry(ids, options, shell));
}

async function retry(named: readonly string[], options: RetryOptions, shell: Shell): Promise<void> {
  check(named, options);
  const terminal = createTerminal(shell, options.json);
  const access = findAccess(options, shell);
  await using client = await openClient(access);
  const ids = named.length > 0 ? named : await choose(client, options, { shell, terminal });
  if (ids.length === 0 || options.dryRun) return;
  const runs = ids.map((id) => client.retry(id, options.reason));
  if (options.watch) await deliver({ runs, client, terminal, access, out: undefined });
  else await announce(runs, terminal);
}

function check(named: readonly string[], { status, action, since, until, dryRun, yes, json }: RetryOptions): void {
  const isFiltered = [status, action, since, until].some((given) => given !== undefined);
  if (named.length > MOST_AT_ONCE) throw usage(`At most ${MOST_AT_ONCE} requests are retried at once.`);
  if (named.length > 0 && (isFiltered || dryRun)) throw usage("Give ids, or a filter with or without --dry-run, not both.");
  if (named.length === 0 && !isFiltered) throw usage("Which ones? Give ids, or a filter such as --status FAILED.");
  if (status !== undefined && status !== "FAILED") throw usage(`Only FAILED requests can be run again, not ${status} ones.`);
  if (named.length === 0 && json && !yes && !dryRun)
    throw usage("With --json nobody is asked: give --yes to go ahead, or --dry-run to look first.");
}

async function choose(
  client: Client,
  options: RetryOptions,
  { shell, terminal }: { shell: Shell; terminal: Terminal },
): Promise<readonly string[]> {
  const preview = previewOf(await select(client, { ...options, status: "FAILED" }, options.limit));
  if (preview.count === options.limit) terminal.note(`There may be more: these are the newest ${options.limit}.`);
  if (options.dryRun) {
    if (options.json) terminal.printJson(preview);
    else for (const line of previewLines(preview)) terminal.print(line);
    return [];
  }
  for (const line of previewLines(preview)) terminal.note(line);
  if (preview.count > 0 && !options.yes)
    await confirm(shell, terminal, preview.count === 1 ? "Run it again?" : `Run all ${preview.count} again?`);
  return preview.request_ids;
}
