/** streamer request: sends requests and follows them to their ends. */
import { Option, type Command } from "commander";
import type { RequestOptions } from "@streamer/client";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { announce } from "../announce.ts";
import { EXIT_HELP, usage } from "../exit.ts";
import { deliver } from "../outcome.ts";
import { readPayloads, type PayloadOptions } from "../payloads.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";
import { duration, wholeNumber } from "../values.ts";

interface Options extends AccessOptions, PayloadOptions {
  readonly mode?: "auto" | "sync" | "async";
  readonly priority?: number;
  readonly delay?: number;
  readonly timeout?: number;
  readonly maxAttempts?: number;
  readonly id?: string;
  readonly idempotencyKey?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

const HELP = `
The result goes to stdout, progress to stderr: a bar on a terminal, a line per stage and per 10 % elsewhere. Several
payloads are as many requests, followed together; each prints a line of JSON when it ends. A lost connection is made
again, and nothing is lost by it. Ctrl-C cancels and waits for the receipts; a second Ctrl-C leaves what goes on running
and says how to come back.

Examples:
  $ streamer request echo --payload '{"hello":"world"}'
  $ streamer request generate_report --payload '{"start_date":"2025-01-01","end_date":"2025-12-31"}' --out .
  $ streamer request generate_report --payload @january.json --payload @february.json --out ./reports
  $ jq -c '.[]' years.json | streamer request generate_report --payloads -
  $ id=$(streamer request generate_report --payload @january.json --detach); streamer watch "$id"
  $ echo '{"n":1}' | streamer request echo --payload - --json | tail -1
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Send a request, or several at once, show their progress, print their results.")
    .argument("<action>", "what to do, such as generate_report")
    .option(
      "--payload <json>",
      "the input as JSON, @file to read it from a file, - for stdin; several times for several (default: {})",
      gatherAll,
    )
    .option("--payloads <file>", "a request for each line of JSON in this file, - for stdin")
    .addOption(new Option("--mode <mode>", "at once or queued (default: auto, by expected duration)").choices(["auto", "sync", "async"]))
    .option("--priority <n>", "0 to 9, 9 first (default: 5)", wholeNumber(0, 9))
    .option("--delay <duration>", "start no sooner than in 30s, 10m, 2h, 7d (default: now)", duration)
    .option("--timeout <duration>", "longest an attempt may run (default: the handler's)", duration)
    .option("--max-attempts <n>", "runs before it fails for good (default: the handler's)", wholeNumber(1, 100))
    .option("--id <id>", "the request's id, at most 128 characters (default: a random one)")
    .option("--idempotency-key <key>", "requests under one key are one request (default: none)")
    .option("--out <folder>", "download the file the result links to into this folder (default: do not)")
    .option("--force", "write over a file of the same name there (default: leave it, and fail)")
    .option("--detach", "print the id once the server has it, and do not wait for its end")
    .option("--json", "print events as JSON lines, the outcome last");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((action: string, options: Options) => request(action, options, shell));
}

async function request(action: string, options: Options, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  const payloads = await readPayloads(options, shell);
  check(options, payloads.length);
  const access = findAccess(options, shell);
  await using client = await openClient(access);
  const runs = payloads.map((payload) => client.request(action, payload, requestOptions(options)));
  if (options.detach) await announce(runs, terminal);
  else await deliver({ runs, client, terminal, access, out: options.out, force: options.force });
}

function check({ id, idempotencyKey, detach, mode, out, force }: Options, count: number): void {
  if (count > 1 && (id ?? idempotencyKey) !== undefined)
    throw usage("--id and --idempotency-key name one request; there are several payloads.");
  if (detach && mode === "sync") throw usage("An answer given at once is not stored: --detach cannot be with --mode sync.");
  if (force && out === undefined) throw usage("--force writes over a file in the folder of --out: give both.");
  if (detach && out !== undefined) throw usage("--out needs the result, which --detach does not wait for.");
}

/** Values have commas of their own. */
const gatherAll = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function requestOptions({ mode, priority, delay, timeout, maxAttempts, id, idempotencyKey, detach }: Options): RequestOptions {
  return {
    // What nobody waits for has to be stored.
    ...(detach ? { mode: "async" } : mode && { mode }),
    ...(priority !== undefined && { priority }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(id !== undefined && { id }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}
