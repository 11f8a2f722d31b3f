/**
 * The secret of HS256 tokens: from the environment or a file, and never from the command line, which every user of the
 * machine can read for as long as the command runs, and which shells keep.
 */
import { readFileSync, statSync } from "node:fs";
import { Option, type Command } from "commander";
import { usage } from "./exit.ts";
import type { Shell } from "./shell.ts";

export interface SecretOptions {
  readonly secretFile?: string;
  /** Asked for by its old name. */
  readonly secret?: string;
}

/** HS256 is no stronger than its secret. */
const MIN_BYTES = 32;
const MAX_FILE_BYTES = 65_536;

/** `what` the secret is for. */
export function addSecretOptions(command: Command, what: string): Command {
  return addRefusedSecret(command).option("--secret-file <file>", `${what}, in a file (default: $STREAMER_SECRET holds it)`);
}

/** Known only to be refused: who is told that it is unknown tries the next way to pass it. */
export const addRefusedSecret = (command: Command): Command => command.addOption(new Option("--secret <secret>").hideHelp());

/** The secret there is, if any, without the end of its line. */
export function readSecret({ secretFile, secret }: SecretOptions, { env }: Pick<Shell, "env">): string | undefined {
  if (secret !== undefined)
    throw usage(
      "--secret is no option: everybody on this machine can read a command line. Give --secret-file FILE or set STREAMER_SECRET, and take another secret.",
    );
  const { STREAMER_SECRET: named } = env;
  if (secretFile !== undefined && named) throw usage("Give one of --secret-file and STREAMER_SECRET, not both.");
  const found = secretFile === undefined ? named : readSecretFile(secretFile);
  if (!found) return undefined;
  if (Buffer.byteLength(found) < MIN_BYTES)
    throw usage(`The secret is shorter than ${MIN_BYTES} bytes, which HS256 needs; make one with: openssl rand -hex 32`);
  return found;
}

function readSecretFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes`);
    const text = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    if (text === "") throw new Error("it is empty");
    return text;
  } catch (error) {
    throw usage(`The secret cannot be read from ${path}: ${(error as Error).message}.`);
  }
}
