/** streamer request: sends one request and follows it to its end. */
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import type { RequestOptions } from "@streamer/client";
import { addAccessOptions, findAccess, type AccessOptions } from "../access.ts";
import { EXIT_HELP, usage } from "../exit.ts";
import { deliver } from "../outcome.ts";
import { openClient } from "../session.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";
import { duration, wholeNumber } from "../values.ts";

interface Options extends AccessOptions {
  readonly payload?: string;
  readonly mode?: "auto" | "sync" | "async";
  readonly priority?: number;
  readonly delay?: number;
  readonly timeout?: number;
  readonly maxAttempts?: number;
  readonly id?: string;
  readonly idempotencyKey?: string;
  readonly out?: string;
  readonly json?: boolean;
}

const HELP = `
The result goes to stdout, progress to stderr: a bar on a terminal, a line per stage and per 10 % elsewhere.
Ctrl-C cancels the request and waits for the receipt; a second Ctrl-C leaves it running and says how to come back.

Examples:
  $ streamer request echo --payload '{"hello":"world"}'
  $ streamer request generate_report --payload '{"start_date":"2025-01-01","end_date":"2025-12-31"}' --out .
  $ echo '{"n":1}' | streamer request echo --payload - --json | tail -1
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Send a request, show its progress, print its result.")
    .argument("<action>", "what to do, such as generate_report")
    .option("--payload <json>", "the input as JSON, @file to read it from a file, - for stdin (default: {})")
    .option("--mode <mode>", "auto, sync or async (default: auto, by expected duration)", oneOf("auto", "sync", "async"))
    .option("--priority <n>", "0 to 9, 9 first (default: 5)", wholeNumber(0, 9))
    .option("--delay <duration>", "start no sooner than in 30s, 10m, 2h, 7d (default: now)", duration)
    .option("--timeout <duration>", "longest an attempt may run (default: the handler's)", duration)
    .option("--max-attempts <n>", "runs before it fails for good (default: the handler's)", wholeNumber(1, 100))
    .option("--id <id>", "the request's id, at most 128 characters (default: a random one)")
    .option("--idempotency-key <key>", "requests under one key are one request (default: none)")
    .option("--out <folder>", "download the file the result links to into this folder (default: do not)")
    .option("--json", "print events as JSON lines, the outcome last");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action(async (action: string, options: Options) => {
      const terminal = createTerminal(shell, options.json);
      const payload = await readPayload(options.payload, shell);
      const access = findAccess(options, shell);
      await using client = await openClient(access);
      const run = client.request(action, payload, requestOptions(options));
      await deliver({ run, client, terminal, access, ...(options.out !== undefined && { out: options.out }) });
    });
}

function requestOptions({ mode, priority, delay, timeout, maxAttempts, id, idempotencyKey }: Options): RequestOptions {
  return {
    ...(mode && { mode }),
    ...(priority !== undefined && { priority }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(id !== undefined && { id }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

async function readPayload(source: string | undefined, { stdin }: Shell): Promise<unknown> {
  if (source === undefined) return {};
  const from = source === "-" ? "stdin" : source.startsWith("@") ? source.slice(1) : "--payload";
  let json = source;
  try {
    if (source === "-") json = await text(stdin);
    else if (source.startsWith("@")) json = readFileSync(from, "utf8");
  } catch (error) {
    throw usage(`The payload cannot be read from ${from}: ${(error as Error).message}.`);
  }
  try {
    return JSON.parse(json);
  } catch (error) {
    throw usage(`The payload from ${from} is not JSON: ${(error as Error).message}.`);
  }
}

function oneOf<const T extends string>(...allowed: readonly T[]): (text: string) => T {
  return (given) => {
    if (!(allowed as readonly string[]).includes(given)) throw usage(`"${given}" is not one of ${allowed.join(", ")}.`);
    return given as T;
  };
}
