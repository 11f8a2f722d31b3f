/**
 * The streamer command: its verbs, and how any of them ends. A verb's file is loaded only when the command line names
 * it: nobody waits for the server's code to list requests.
 */
import { Command, CommanderError } from "commander";
import { EXIT, EXIT_HELP, Said, exitCodeOf, indented } from "./exit.ts";
import { processShell, type Shell } from "./shell.ts";
import { createTerminal } from "./terminal.ts";
import manifest from "../package.json" with { type: "json" };

interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Its file: `define` adds its options and what it does. */
  load(): Promise<{ readonly define: (command: Command, shell: Shell) => void }>;
}

/** In the order of the table in docs/guides/cli.md. A new command is a line here, a file, and a section there. */
export const COMMANDS: readonly Verb[] = [
  { name: "init", summary: "Make a folder with an application of your own.", load: () => import("./commands/init.ts") },
  { name: "serve", summary: "Run a server: one process, one data folder.", load: () => import("./commands/serve.ts") },
  { name: "config", summary: "The options a server would have, and from where each is.", load: () => import("./commands/config.ts") },
  { name: "request", summary: "Send requests, show their progress, print their results.", load: () => import("./commands/request.ts") },
  { name: "watch", summary: "Follow requests sent before, to their results.", load: () => import("./commands/watch.ts") },
  { name: "list", summary: "Your requests, newest first.", load: () => import("./commands/list.ts") },
  { name: "get", summary: "What there is of a request now.", load: () => import("./commands/get.ts") },
  { name: "cancel", summary: "Cancel requests, and wait until they have stopped.", load: () => import("./commands/cancel.ts") },
  { name: "retry", summary: "Queue failed requests again, by id or by filter.", load: () => import("./commands/retry.ts") },
  { name: "actions", summary: "What the server can do; also as AsyncAPI.", load: () => import("./commands/actions.ts") },
  { name: "types", summary: "TypeScript declarations of the server's actions.", load: () => import("./commands/types.ts") },
  { name: "token", summary: "Mint a token for development.", load: () => import("./commands/token.ts") },
  { name: "doctor", summary: "Check the way to a server, step by step, with advice.", load: () => import("./commands/doctor.ts") },
  { name: "completion", summary: "A completion script for bash, zsh or fish.", load: () => import("./commands/completion.ts") },
  { name: "sample-data", summary: "Write the sample shop that reports can be tried on.", load: () => import("./commands/sample-data.ts") },
  { name: "demo", summary: "Make a report on a server of its own.", load: () => import("./commands/demo.ts") },
  { name: "deploy", summary: "Deploy to AWS, by the CDK.", load: () => import("./commands/deploy.ts") },
];

/** The program with every verb, of which those `argv` needs are defined in full. */
export async function createProgram(shell: Shell, argv: readonly string[]): Promise<Command> {
  const terminal = createTerminal(shell);
  const program = new Command("streamer")
    .description("Long-running requests over a WebSocket, with live progress and results that are never lost.")
    .version(manifest.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.document(text),
      writeErr: (text) => terminal.document(text, terminal.stderr),
      outputError: (text) => terminal.document(`${indented(text.trimEnd()).join("\n")}\n`, terminal.stderr),
    })
    .showHelpAfterError("(add --help for all options)")
    .addHelpText(
      "after",
      `${EXIT_HELP}\n\nColours are used on a terminal unless NO_COLOR is set. "streamer <command> --help" has examples.`,
    );
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).summary(summary);
    // Completion tells of all of them.
    if (argv.includes(name) || argv[0] === "completion") (await load()).define(command, shell);
  }
  return program;
}

/** Runs the command line and answers with the exit code. */
export async function run(argv: readonly string[], shell: Shell = processShell): Promise<number> {
  try {
    const program = await createProgram(shell, argv);
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.done;
  } catch (error) {
    // commander has printed its own problem, or its help, already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Said) return error.exitCode;
    createTerminal(shell, argv.includes("--json")).fail(error);
    return exitCodeOf(error);
  }
}
