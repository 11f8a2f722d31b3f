/** streamer doctor: checks the way from this machine to a server, step by step, and says what to do. */
import type { Command } from "commander";
import { addAccessOptions, type AccessOptions } from "../access.ts";
import type { Status } from "../doctor/check.ts";
import { CHECKS, examine, type Examined } from "../doctor/examine.ts";
import { EXIT, EXIT_HELP, Said } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

interface DoctorOptions extends AccessOptions {
  readonly json?: boolean;
}

const MARKS = {
  ok: ["green", "✓"],
  warning: ["yellow", "!"],
  failed: ["red", "✗"],
  skipped: ["dim", "–"],
} as const satisfies Readonly<Record<Status, readonly [string, string]>>;
const NAME_WIDTH = Math.max(...CHECKS.map(({ name }) => name.length));

const HELP = `
Exit code 0 means that nothing failed (warnings may remain); otherwise it is that of the first failure.

Examples:
  $ streamer doctor
  $ streamer doctor --url wss://streamer.example.com --profile production
  $ streamer doctor --json | jq '.checks[] | select(.status == "failed")'
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Check Node, profile, data folder, address, token, network and server, one by one, with advice.")
    .option("--json", "print one JSON value: ok, and checks with check, status, message, hint");
  addAccessOptions(command)
    .addHelpText("after", HELP)
    .action((options: DoctorOptions) => doctor(options, shell));
}

async function doctor(options: DoctorOptions, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  const found: Examined[] = [];
  for await (const examined of examine(options, shell)) {
    found.push(examined);
    if (options.json) continue;
    const { check, status, message, hint } = examined;
    const [colour, mark] = MARKS[status];
    terminal.print(`${terminal.style(colour, mark, terminal.stdout)} ${check.padEnd(NAME_WIDTH)}  ${message}`);
    if (hint !== undefined) terminal.print(`${" ".repeat(NAME_WIDTH + 4)}${hint}`);
  }
  const failure = found.find(({ status }) => status === "failed");
  if (options.json) {
    const checks = found.map(({ check, status, message, hint }) => ({ check, status, message, ...(hint !== undefined && { hint }) }));
    terminal.printJson({ ok: !failure, checks });
  }
  if (failure) throw new Said(failure.exitCode ?? EXIT.failed);
}
