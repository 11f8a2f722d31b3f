/** streamer completion: a script that teaches a shell the commands and options there are. */
import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { wordsOf } from "../completion/words.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { EXIT_HELP } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

const HELP = `
It knows commands, options and the values they have a choice of; it asks no server.

Examples:
  $ echo 'source <(streamer completion bash)' >> ~/.bashrc
  $ echo 'source <(streamer completion zsh)' >> ~/.zshrc
  $ streamer completion fish > ~/.config/fish/completions/streamer.fish
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Print a completion script for your shell.")
    .addArgument(new Argument("<shell>", "which").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", HELP)
    .action((name: keyof typeof SCRIPTS) => createTerminal(shell).document(SCRIPTS[name](wordsOf(command.parent!))));
}
