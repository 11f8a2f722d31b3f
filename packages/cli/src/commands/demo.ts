/**
 * streamer demo: the main job from end to end. A server on a free loopback port, a report requested over a real
 * WebSocket, live progress, the finished file fetched through its signed link, and everything stopped again.
 */
import { join, resolve } from "node:path";
import { Option, type Command } from "commander";
import { startServer } from "@streamer/embedded";
import type { ReportResult } from "@streamer/handlers";
import type { JsonObject } from "@streamer/protocol";
import { DEVELOPER } from "../access.ts";
import { download, formatBytes, linkIn } from "../download.ts";
import { EXIT, EXIT_HELP, ExitError } from "../exit.ts";
import { follow } from "../follow.ts";
import { reportDays } from "../period.ts";
import { openClient } from "../session.ts";
import { prepareShop, type Shop } from "../shop.ts";
import { noteWarnings } from "../result-warnings.ts";
import type { Shell } from "../shell.ts";
import { createTerminal, type Terminal } from "../terminal.ts";

interface DemoOptions {
  readonly data?: string;
  readonly mapping?: string;
  readonly format: "pdf" | "csv" | "excel";
  readonly type: "monthly" | "quarterly" | "annual" | "custom";
  readonly start?: string;
  readonly end?: string;
  readonly charts: boolean;
  readonly engine: "embedded" | "aws-local";
  readonly out: string;
  readonly json?: boolean;
}

const DEFAULT_OUT = "./streamer-demo";
/** A demo that is broken off ends soon, and its server with it. */
const STOP_GRACE_MS = 2_000;

const HELP = `
The first run makes the sample shop (three years, 200,000 order lines) inside the output folder; later runs keep it.

Examples:
  $ streamer demo
  $ streamer demo --format excel --start 2025-01-01 --end 2025-03-31
  $ streamer demo --data ./my-shop --mapping ./my-shop/sources.json --start 2024-01-01 --end 2024-12-31
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Make a report on a server of its own, from request to finished file.")
    .option("--data <folder>", "the shop files to report on (default: the sample shop)")
    .option("--mapping <file>", "how those files are read (default: sources.json beside them)")
    .addOption(new Option("--format <format>", "what to make").choices(["pdf", "csv", "excel"]).default("pdf"))
    .addOption(new Option("--type <type>", "how periods are cut").choices(["monthly", "quarterly", "annual", "custom"]).default("monthly"))
    .option("--start <date>", "first day, YYYY-MM-DD (default: of the last full year in the data, else of its last full quarter)")
    .option("--end <date>", "last day, YYYY-MM-DD (default: likewise)")
    .option("--no-charts", "leave the charts out")
    .addOption(
      new Option("--engine <engine>", "what the server is: this process, or the AWS stack on this machine")
        .choices(["embedded", "aws-local"])
        .default("embedded"),
    )
    .option("--out <folder>", "where the file goes, and the demo's own data", DEFAULT_OUT)
    .option("--json", "print events as JSON lines, the outcome last")
    .addHelpText("after", HELP)
    .action((options: DemoOptions) => demo(options, shell));
}

async function demo(options: DemoOptions, shell: Shell): Promise<void> {
  const interrupted = new AbortController();
  const terminal = createTerminal(shell, options.json);
  const stopListening = terminal.onInterrupt(() => interrupted.abort(new ExitError(EXIT.cancelled, "Cancelled.", "CANCELLED")));
  try {
    await makeReport(options, terminal, interrupted.signal);
  } finally {
    stopListening();
  }
}

async function makeReport(options: DemoOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const startEngine = options.engine === "embedded" ? startEmbedded : await findLocalAws(terminal);
  const out = resolve(options.out);
  const dataFolder = join(out, "server");
  const started = performance.now();
  const shop = await prepareShop({ ...options, dataFolder: out }, terminal);
  signal.throwIfAborted();
  const [firstDay, lastDay] = await reportDays(shop, options);
  const server = await startEngine(shop, dataFolder);
  try {
    terminal.note(`Server at ${server.url}; asking for a report of ${firstDay} to ${lastDay} as ${options.format}.`);
    await using client = await openClient({ url: server.url, token: await server.token() });
    signal.throwIfAborted();
    const run = client.request("generate_report", {
      start_date: firstDay,
      end_date: lastDay,
      format: options.format,
      report_type: options.type,
      include_charts: options.charts,
    });
    const [end] = await follow([run], { client, terminal, farewell: () => "Stopped before the report was done." });
    if (!end || "error" in end) throw end?.error;
    const { result } = end;
    const link = linkIn(result);
    if (link === undefined) throw new ExitError(EXIT.failed, "The report has no link to its file.", "NO_FILE");
    const file = await download(link, { folder: out, taken: "count" }, signal);
    if (terminal.json) terminal.printJson({ type: "outcome", request_id: run.id, status: "COMPLETED", result, file: file.path });
    else {
      noteWarnings(terminal, result);
      for (const line of summarize(result as Partial<ReportResult>)) terminal.print(line);
      const seconds = ((performance.now() - started) / 1_000).toFixed(1);
      terminal.print(`${terminal.style("green", "Saved", terminal.stdout)} ${file.path} (${formatBytes(file.sizeBytes)}) in ${seconds} s`);
    }
  } finally {
    await server.stop();
  }
}

interface DemoServer {
  readonly url: string;
  token(): Promise<string>;
  stop(): Promise<void>;
}

type StartEngine = (shop: Shop, dataFolder: string) => Promise<DemoServer>;

const startEmbedded: StartEngine = async (shop, dataFolder) => {
  const handlers = shop.handlers(dataFolder);
  const server = await startServer({ handlers, dataFolder, logLevel: "error", stopGraceMs: STOP_GRACE_MS });
  return { url: server.url, token: () => server.developmentToken({ userId: DEVELOPER.userId }), stop: () => server.stop() };
};

/** Loaded here, so that nobody else waits for it. Packages from npm do not have it. */
async function findLocalAws(terminal: Terminal): Promise<StartEngine> {
  const { startStreamerLocal, uploadData } = await import("@streamer/aws-local").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new ExitError(
      EXIT.usage,
      "AWS on this machine needs a clone of Streamer's repository: run `npm ci` and `npm run demo -- --engine aws-local` there. Without --engine the demo runs here.",
      "NO_LOCAL_AWS",
      { cause },
    );
  });
  return async (shop) => {
    terminal.note("Bundling the functions and starting AWS on this machine…");
    const aws = await startStreamerLocal();
    try {
      await uploadData(aws, shop.folder);
    } catch (error) {
      await aws.stop();
      throw error;
    }
    return { url: aws.url, token: () => aws.token({ userId: DEVELOPER.userId, tenantId: DEVELOPER.tenantId }), stop: () => aws.stop() };
  };
}

/** The figures of a report's result, one to a line. */
function summarize({ records, stats }: Partial<ReportResult>): readonly string[] {
  const { totals, ...rest } = stats ?? {};
  const figures = Object.entries({ "rows in the file": records, ...(totals as JsonObject | undefined), ...rest });
  return figures.flatMap(([name, value]) => {
    if (typeof value !== "number" && typeof value !== "string") return [];
    const text = typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : value;
    return `  ${name.replaceAll("_", " ").padEnd(20)} ${text}`;
  });
}
