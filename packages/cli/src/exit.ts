/** How a command ends: the one table of exit codes, and the error that carries one. Help prints the same table. */
import { isStreamerError, type StreamerError } from "@streamer/client";

export const EXIT = { done: 0, failed: 1, usage: 2, cancelled: 3, cannotConnect: 4, unauthorized: 5, leftRunning: 130 } as const;

export const EXIT_HELP = `
Exit codes:
  0  done
  1  failed: refused by the server, or ended in an error
  2  wrong usage: an unknown option, or a value that cannot be right
  3  cancelled
  4  cannot connect
  5  unauthorized: the token is missing, expired or not trusted
  130  left running after a second Ctrl-C`;

/** Ends the command with a message for people and a code for scripts. */
export class ExitError extends Error {
  readonly exitCode: number;
  readonly code: string;

  constructor(exitCode: number, message: string, code = "USAGE", options?: ErrorOptions) {
    super(message, options);
    this.name = "ExitError";
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** Ends the command with a code alone: all there is to say has been said. */
export class Said extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.name = "Said";
    this.exitCode = exitCode;
  }
}

export const usage = (message: string): ExitError => new ExitError(EXIT.usage, message);

export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  if (!isStreamerError(error)) return EXIT.failed;
  const byCode: Partial<Record<StreamerError["code"], number>> = {
    UNAUTHORIZED: EXIT.unauthorized,
    CANCELLED: EXIT.cancelled,
    CANNOT_CONNECT: EXIT.cannotConnect,
  };
  return byCode[error.code] ?? EXIT.failed;
}

/** What went wrong as lines: the message, of which none but the first begins at the margin, then each issue with its path. */
export function describeError(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return indented(String(error));
  if (!isStreamerError(error)) return indented(error.message);
  return [
    ...indented(`${error.code}: ${error.message}`),
    ...issuesOf(error).map(({ path, message }) => `  ${path.join(".") || "(payload)"}: ${message}`),
  ];
}

/** A message may hold others' text, and a line of it must not look like one of ours. */
export const indented = (text: string): readonly string[] =>
  text.split("\n").map((line, index) => (index === 0 || line.startsWith("  ") ? line : `  ${line}`));

interface Issue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function issuesOf(error: StreamerError): readonly Issue[] {
  const issues = (error.details as { issues?: unknown } | undefined)?.issues;
  if (!Array.isArray(issues)) return [];
  return issues.filter((issue): issue is Issue => Array.isArray((issue as Partial<Issue> | null)?.path));
}
