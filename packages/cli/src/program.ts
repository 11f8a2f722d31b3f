/** The streamer command: its verbs, and how any of them ends. */
import { Command, CommanderError } from "commander";
import { addDemo } from "./commands/demo.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addRequest } from "./commands/request.ts";
import { addSampleData } from "./commands/sample-data.ts";
import { addServe } from "./commands/serve.ts";
import { addToken } from "./commands/token.ts";
import { addWatch } from "./commands/watch.ts";
import { EXIT, EXIT_HELP, exitCodeOf } from "./exit.ts";
import { createTerminal } from "./terminal.ts";
import manifest from "../package.json" with { type: "json" };

export function createProgram(): Command {
  const program = new Command("streamer")
    .description("Long-running requests over a WebSocket, with live progress and results that are never lost.")
    .version(manifest.version)
    .showHelpAfterError("(add --help for all options)")
    .addHelpText(
      "after",
      `${EXIT_HELP}\n\nColours are used on a terminal unless NO_COLOR is set. "streamer <command> --help" has examples.`,
    );
  for (const add of [addServe, addRequest, addWatch, addToken, addSampleData, addDemo, addDeploy]) add(program);
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

/** Runs the command line and answers with the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: "user" });
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    // commander has printed its own problem, or its help, already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    createTerminal(argv.includes("--json")).fail(error);
    return exitCodeOf(error);
  }
}
