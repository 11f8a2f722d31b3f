/**
 * Where a command writes: results on stdout, everything about the way there on stderr, so that a pipe gets results
 * alone. Colours only where a person sees them and NO_COLOR is not set. What is pinned stays below all else.
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
  /** Keeps these lines below whatever is written, in place of those pinned before. For a stderr that is a terminal. */
  pin(lines: readonly string[]): void;
  /** Leaves the pinned lines where they are: what follows is written below them. */
  unpin(): void;
  /** Text for stderr, or for another stream, styled if that stream shows styles. */
  style(style: Style, text: string, stream?: Output): string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly onInterrupt: Shell["onInterrupt"];
}

export function createTerminal({ stdout, stderr, onInterrupt }: Shell, json = false): Terminal {
  const style: Terminal["style"] = (how, text, stream = stderr) => styleText(how, text, { stream });
  let pinned: readonly string[] = [];

  const erasure = (): string => (pinned.length === 0 ? "" : `\u001B[${pinned.length}A\u001B[J`);
  const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");

  /** Standing lines make way, also for stdout: it may be the same screen. */
  function write(stream: Output, text: string): void {
    if (pinned.length > 0) stderr.write(erasure());
    stream.write(text);
    if (pinned.length > 0) stderr.write(lines(pinned));
  }

  return {
    json,
    stdout,
    stderr,
    style,
    onInterrupt,
    print: (line) => write(stdout, `${line}\n`),
    printJson: (value) => write(stdout, `${JSON.stringify(value)}\n`),
    note(line) {
      if (!json) write(stderr, `${line}\n`);
    },
    fail(error) {
      if (json) write(stderr, `${JSON.stringify({ type: "error", error: errorBody(error) })}\n`);
      else write(stderr, `${style("red", "error")} ${describeError(error).join("\n")}\n`);
    },
    pin(next) {
      // In one write, so that nothing flickers.
      stderr.write(erasure() + lines(next));
      pinned = next;
    },
    unpin() {
      pinned = [];
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
