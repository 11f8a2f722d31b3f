/**
 * A run's progress for the eye: a bar that is redrawn in place on a terminal; elsewhere a line when the stage changes
 * or another ten percent are done, so that a log stays readable.
 */
import type { Eta, RunState } from "@streamer/client";
import { isTerminal } from "@streamer/protocol";
import type { Terminal } from "./terminal.ts";
import { measure } from "./time-span.ts";

export interface ProgressView {
  show(state: RunState): void;
  /** Leaves the line as it is, so that other text can follow. */
  end(): void;
}

const BAR_WIDTH = 28;
/** Lines of a log: one at least each this many percent. */
const STEP_PERCENT = 10;

export function createProgressView(terminal: Terminal): ProgressView {
  if (terminal.json) return { show: () => undefined, end: () => undefined };
  return terminal.stderr.isTTY ? createBar(terminal) : createLines(terminal);
}

function createBar({ stderr, style }: Terminal): ProgressView {
  let isDrawn = false;
  return {
    show(state) {
      const { percentage } = read(state);
      const full = Math.round((percentage / 100) * BAR_WIDTH);
      const bar = style("cyan", "█".repeat(full)) + style("dim", "░".repeat(BAR_WIDTH - full));
      const rest = ` ${String(Math.round(percentage)).padStart(3)} %  ${describe(state)}`;
      // A line that wraps could not be redrawn.
      const room = Math.max(0, (stderr.columns || 80) - BAR_WIDTH - 1);
      stderr.write(`\r\u001B[2K${bar}${rest.length > room ? `${rest.slice(0, Math.max(0, room - 1))}…` : rest}`);
      isDrawn = true;
    },
    end() {
      if (isDrawn) stderr.write("\n");
      isDrawn = false;
    },
  };
}

function createLines({ stderr }: Terminal): ProgressView {
  let lastKey = "";
  return {
    show(state) {
      const { percentage, stage } = read(state);
      if (isTerminal(state.status)) return;
      const key = `${stage} ${Math.floor(percentage / STEP_PERCENT)} ${state.waiting?.reason ?? ""} ${state.status}`;
      if (key === lastKey) return;
      lastKey = key;
      stderr.write(`${String(Math.round(percentage)).padStart(3)} %  ${describe(state)}\n`);
    },
    end: () => undefined,
  };
}

const read = ({ progress }: RunState): { percentage: number; stage: string } => ({
  percentage: progress?.percentage ?? 0,
  stage: progress?.stage ?? "",
});

/** What is going on, in one line without the percentage. */
export function describe(state: RunState): string {
  const { progress, waiting, status, attempt, eta } = state;
  const parts = waiting
    ? [waitingFor(waiting)]
    : progress
      ? [[progress.stage, progress.message].filter((part) => part !== undefined && part !== "").join(": ")]
      : [status === "PENDING" ? "sent" : "running"];
  if (attempt > 1) parts.push(`attempt ${attempt}`);
  if (eta && (status === "PENDING" || status === "PROCESSING") && eta.p90Ms > 0) parts.push(`${formatEta(eta)} left`);
  return parts.filter((part) => part !== "").join(" · ");
}

function waitingFor({ reason, position, until }: NonNullable<RunState["waiting"]>): string {
  if (reason === "backoff" && until !== undefined) return `failed, trying again at ${timeOf(until)}`;
  if (reason === "scheduled") return until === undefined ? "scheduled" : `scheduled for ${timeOf(until)}`;
  const why = reason === "queue" ? "queued" : `waiting: ${reason.replaceAll("_", " ")}`;
  return position === undefined || position === 0 ? why : `${why}, ${position} ahead`;
}

const timeOf = (epochMs: number): string => new Date(epochMs).toLocaleTimeString("en-GB");

/** An honest range: half of such runs are done by the first figure, nine in ten by the second. */
export function formatEta({ p50Ms, p90Ms }: Eta): string {
  const [low, high] = [measure(p50Ms), measure(p90Ms)];
  if (low.amount === "<1" && high.amount !== "<1") return `up to ${high.amount} ${high.unit}`;
  if (low.amount === high.amount && low.unit === high.unit) return `${high.amount} ${high.unit}`;
  return low.unit === high.unit ? `${low.amount}–${high.amount} ${high.unit}` : `${low.amount} ${low.unit} to ${high.amount} ${high.unit}`;
}
