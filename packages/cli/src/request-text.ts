/** A request as `list` and `get` print it: for people, and as JSON with the protocol's names. */
import type { RequestInfo } from "@streamer/client";
import { isTerminal, type RequestStatus } from "@streamer/protocol";
import { visibleJson, visibleText } from "@streamer/protocol/visible";
import { describe } from "./run-text.ts";
import { errorBody, type Terminal } from "./terminal.ts";
import { formatSpan } from "./time-span.ts";

const COLOURS = {
  PENDING: "dim",
  PROCESSING: "cyan",
  RETRYING: "yellow",
  COMPLETED: "green",
  FAILED: "red",
  CANCELLED: "dim",
} as const satisfies Readonly<Record<RequestStatus, string>>;

const HEADINGS = ["ID", "ACTION", "STATUS", "AGE", ""] as const;
const STATUS_COLUMN = 2;

/** Columns under headings, newest first as they come. */
export function tableOf(requests: readonly RequestInfo[], nowMs: number, { style, stdout }: Terminal): readonly string[] {
  const rows = requests.map((request) =>
    // Written out before the columns are measured.
    [request.id, request.action, request.status, formatSpan(nowMs - request.createdAt.getTime()), remark(request)].map(visibleText),
  );
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], paint = (cell: string, _column: number): string => cell): string =>
    cells
      .map((cell, column) => paint(cell.padEnd(widths[column]!), column))
      .join("  ")
      .trimEnd();
  return [
    style("dim", line(HEADINGS), stdout),
    ...rows.map((row, n) =>
      line(row, (cell, column) => (column === STATUS_COLUMN ? style(COLOURS[requests[n]!.status], cell, stdout) : cell)),
    ),
  ];
}

function remark(request: RequestInfo): string {
  const { status, error, progress, attempt } = request;
  if (error && isTerminal(status)) return status === "CANCELLED" ? "" : error.code;
  if (status === "COMPLETED") return attempt > 1 ? `attempt ${attempt}` : "";
  const percentage = progress ? `${Math.round(progress.percentage)} % ` : "";
  return status === "PENDING" && !progress && !request.waiting ? "" : percentage + describe(request);
}

export function detailsOf(request: RequestInfo, { style, stdout }: Terminal): readonly string[] {
  const { id, action, status, attempt, seq, createdAt, runAt, endedAt, metadata, error } = request;
  const details: readonly (readonly [string, string | undefined])[] = [
    ["id", id],
    ["action", action],
    ["status", style(COLOURS[status], status, stdout)],
    ["attempt", String(attempt)],
    ["newest seq", String(seq)],
    ["created", createdAt.toISOString()],
    ["runnable", runAt?.toISOString()],
    ["ended", endedAt && `${endedAt.toISOString()}, after ${formatSpan(endedAt.getTime() - createdAt.getTime())}`],
    ["waits", request.waiting && describe(request)],
    ["progress", endedAt || !request.progress ? undefined : `${Math.round(request.progress.percentage)} %  ${describe(request)}`],
    ...Object.entries(metadata).map(([name, value]) => [`metadata ${name}`, String(value)] as const),
    ["error", error && `${error.code}: ${error.message}`],
  ];
  const [first, ...more] = "result" in request ? visibleJson(JSON.stringify(request.result ?? null, null, 2)).split("\n") : [];
  return [...details, ["result", first] as const]
    .flatMap(([name, value]) => (value === undefined ? [] : [`${style("dim", name.padEnd(11), stdout)} ${value}`]))
    .concat(more);
}

/** As a `snapshot` of the protocol has it. */
export function requestJson(request: RequestInfo): Readonly<Record<string, unknown>> {
  const { id, action, status, seq, attempt, createdAt, runAt, endedAt, waiting, progress, metadata, error } = request;
  return {
    request_id: id,
    action,
    status,
    seq,
    attempt,
    created_at: createdAt.getTime(),
    ...(runAt && { run_at: runAt.getTime() }),
    ...(endedAt && { ended_at: endedAt.getTime() }),
    ...(waiting && { waiting_for: waiting.reason, position: waiting.position }),
    ...(progress && {
      progress: { percentage: progress.percentage, message: progress.message, stage: progress.stage, metadata: progress.metadata },
    }),
    ...("result" in request && { result: request.result }),
    ...(error && { error: errorBody(error) }),
    metadata,
  };
}
