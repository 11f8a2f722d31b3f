/**
 * Where a command writes: results on stdout, everything about the way there on stderr, so that a pipe gets results
 * alone. Colours only where a person sees them and NO_COLOR is not set.
 */
import { styleText } from "node:util";
import { describeError } from "./exit.ts";
import type { Output, Shell } from "./shell.ts";

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  readonly json: boolean;
  /** A line of the result. */
  print(line: string): void;
  /** A JSON document of the result, on one line. */
  printJson(value: unknown): void;
  /** A line about the way there; silent with --json. */
  note(line: string): void;
  /** Always, also with --json (then as JSON). */
  fail(error: unknown): void;
  /** Text for stderr, or for another stream, styled if that stream shows styles. */
  style(style: Style, text: string, stream?: Output): string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly onInterrupt: Shell["onInterrupt"];
}

export function createTerminal({ stdout, stderr, onInterrupt }: Shell, json = false): Terminal {
  const style: Terminal["style"] = (how, text, stream = stderr) => styleText(how, text, { stream });
  return {
    json,
    stdout,
    stderr,
    style,
    onInterrupt,
    print: (line) => void stdout.write(`${line}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    note(line) {
      if (!json) stderr.write(`${line}\n`);
    },
    fail(error) {
      const lines = describeError(error);
      if (json) stderr.write(`${JSON.stringify({ type: "error", error: errorBody(error) })}\n`);
      else stderr.write(`${style("red", "error")} ${lines.join("\n")}\n`);
    },
  };
}

/** An error as JSON: its code, message and details. */
export function errorBody(error: unknown): { readonly code: string; readonly message: string; readonly details?: unknown } {
  const { code, message, details } = error as { code?: unknown; message?: unknown; details?: unknown };
  return {
    code: typeof code === "string" ? code : "INTERNAL_ERROR",
    message: typeof message === "string" ? message : String(error),
    ...(details !== undefined && { details }),
  };
}
