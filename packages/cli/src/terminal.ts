/**
 * Where a command writes: results on stdout, everything about the way there on stderr, so that a pipe gets results
 * alone. Colours only where a person sees them and NO_COLOR is not set. What is pinned stays below all else.
 *
 * Nothing is written but from here, and nothing from here obeys a text: what a terminal would obey or would not show is
 * written out (`visibleText`), as JSON has it in JSON. The styles of this command are told from those in a text by a mark
 * that nobody else can know.
 */
import { randomUUID } from "node:crypto";
import { styleText } from "node:util";
import { visibleJson, visibleText } from "@streamer/protocol/visible";
import { describeError } from "./exit.ts";
import type { Output, Screen, Shell } from "./shell.ts";

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  readonly json: boolean;
  /** A line of the result. */
  print(line: string): void;
  /** A JSON document of the result, on one line or laid out for people. */
  printJson(value: unknown, layout?: "line" | "pretty"): void;
  /** Several lines as they are laid out: help, a script, source text. */
  document(text: string, stream?: Screen): void;
  /** A line about the way there; silent with --json. */
  note(line: string): void;
  /** Always, also with --json (then as JSON); with the id of what failed, where there are several. */
  fail(error: unknown, id?: string): void;
  /** Without an end of line: the answer is typed behind it. */
  ask(question: string): void;
  /** What a child process says on its stderr, in its colours. */
  relay(text: string): void;
  /** Keeps these lines below whatever is written, in place of those pinned before. For a stderr that is a terminal. */
  pin(lines: readonly string[]): void;
  /** Leaves the pinned lines where they are: what follows is written below them. */
  unpin(): void;
  /** Text for stderr, or for another stream, styled if that stream shows styles. */
  style(style: Style, text: string, stream?: Screen): string;
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly onInterrupt: Shell["onInterrupt"];
}

// oxlint-disable-next-line no-control-regex -- A colour begins with escape.
const COLOUR = /(\u001B\[[\d;]*m)/;

export function createTerminal({ stdout, stderr, onInterrupt }: Shell, json = false): Terminal {
  const mark = randomUUID();
  const style: Terminal["style"] = (how, text, stream = stderr) => {
    const [open = "", close = ""] = styleText(how, "|", { stream: stream as Output })
      .replaceAll("\u001B", mark)
      .split("|");
    return open + text + close;
  };
  const shown = (line: string): string => {
    const [plain = "", ...styled] = line.split(mark);
    return visibleText(plain) + styled.map((piece) => styledText(piece)).join("");
  };
  let pinned: readonly string[] = [];

  const erasure = (): string => (pinned.length === 0 ? "" : `\u001B[${pinned.length}A\u001B[J`);
  const lines = (all: readonly string[]): string => all.map((line) => `${shown(line)}\n`).join("");

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
    print: (line) => write(stdout, lines([line])),
    printJson: (value, layout = "line") => write(stdout, jsonText(value, layout)),
    document: (text, stream = stdout) => write(stream as Output, documentText(text)),
    note(line) {
      if (!json) write(stderr, lines([line]));
    },
    fail(error, id) {
      if (json) return write(stderr, jsonText({ type: "error", error: errorBody(error) }));
      const [first = "", ...more] = describeError(error);
      write(stderr, lines([`${style("red", "error")} ${id === undefined ? "" : `${id}: `}${first}`, ...more]));
    },
    ask: (question) => write(stderr, shown(question)),
    relay: (text) =>
      write(
        stderr,
        text
          .split(COLOUR)
          .map((piece, index) => (index % 2 === 1 ? piece : documentText(piece)))
          .join(""),
      ),
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

/** A colour, and what it colours. */
const styledText = (piece: string): string => {
  const [colour = ""] = /^\[[\d;]*m/.exec(piece) ?? [];
  return `\u001B${colour}${visibleText(piece.slice(colour.length))}`;
};

const jsonText = (value: unknown, layout: "line" | "pretty" = "line"): string =>
  `${visibleJson(JSON.stringify(value, null, layout === "pretty" ? 2 : 0))}\n`;

/** Its lines and their indentation are its author's. */
const documentText = (text: string): string =>
  text
    .split(/([\n\t])/)
    .map((piece, index) => (index % 2 === 1 ? piece : visibleText(piece)))
    .join("");

/** An error as JSON: its code, message and details. */
export function errorBody(error: unknown): { readonly code: string; readonly message: string; readonly details?: unknown } {
  const { code, message, details } = error as { code?: unknown; message?: unknown; details?: unknown };
  return {
    code: typeof code === "string" ? code : "INTERNAL_ERROR",
    message: typeof message === "string" ? message : String(error),
    ...(details !== undefined && { details }),
  };
}
