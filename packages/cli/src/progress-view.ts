/**
 * The progress of runs for the eye: a bar for each, redrawn in place on a terminal; elsewhere a line when the stage
 * changes or another ten percent are done, so that a log stays readable.
 */
import type { Eta, RunState } from "@streamer/client";
import { isTerminal, type RequestStatus } from "@streamer/protocol";
import { visibleText } from "@streamer/protocol/visible";
import { describe } from "./run-text.ts";
import type { Terminal } from "./terminal.ts";

/** A run, as far as it is drawn. */
export interface Shown {
  readonly id: string;
  readonly state: RunState;
  remaining(): Eta | undefined;
}

export interface ProgressView {
  changed(run: Shown): void;
  /** Leaves what is drawn as it is. */
  end(): void;
}

const BAR_WIDTH = 28;
/** With several runs each has a name before a shorter bar. */
const NAME_WIDTH = 12;
const SHORT_BAR_WIDTH = 16;
/** Eyes see no more than so many pictures, and a terminal far away should not be sent them. */
const FRAME_MS = 50;
/** What is left is less each second, whether or not anything else changes. */
const TICK_MS = 1_000;
/** Lines of a log: one at least each this many percent. */
const STEP_PERCENT = 10;

export function createProgressView(terminal: Terminal, runs: readonly Shown[]): ProgressView {
  if (terminal.json) return { changed: () => undefined, end: () => undefined };
  return terminal.stderr.isTTY ? createBars(terminal, runs) : createLines(terminal, runs.length > 1);
}

function createBars(terminal: Terminal, runs: readonly Shown[]): ProgressView {
  let frame: NodeJS.Timeout | undefined;
  let tick: NodeJS.Timeout | undefined;
  let isDrawn = false;
  const draw = (): void => {
    frame = undefined;
    isDrawn = true;
    clearTimeout(tick);
    tick = setTimeout(draw, TICK_MS);
    const { columns, rows } = terminal.stderr;
    // Some terminals say that they have none.
    terminal.pin(barLines(runs, { columns: columns || 80, rows: rows || 24 }, terminal.style));
  };
  return {
    changed() {
      frame ??= setTimeout(draw, FRAME_MS);
    },
    end() {
      if (frame) clearTimeout(frame);
      if (frame ?? isDrawn) draw();
      clearTimeout(tick);
      isDrawn = false;
      terminal.unpin();
    },
  };
}

interface Room {
  readonly columns: number;
  readonly rows: number;
}

/** One run: its bar. Several: a bar for each that goes on, as far as there is room, and a line about all. */
export function barLines(runs: readonly Shown[], { columns, rows }: Room, style: Terminal["style"]): readonly string[] {
  if (runs.length === 1) return runs.map((run) => barLine(run, "", { columns, width: BAR_WIDTH }, style));
  const going = runs.filter(({ state }) => !isTerminal(state.status));
  // Those that run are more to look at than those that wait.
  const ordered = [...going.filter(isRunning), ...going.filter((run) => !isRunning(run))];
  // A row for the line about all, one for what is written next; what scrolled away could not be redrawn.
  const shown = ordered.slice(0, Math.max(0, rows - 2));
  return [
    ...shown.map((run) => barLine(run, `${nameOf(run.id)} `, { columns, width: SHORT_BAR_WIDTH }, style)),
    style("dim", countsOf(runs, going.length - shown.length).slice(0, columns - 1)),
  ];
}

const isRunning = ({ state }: Shown): boolean => state.status === "PROCESSING";

function countsOf(runs: readonly Shown[], hidden: number): string {
  const count = (wanted: RequestStatus): number => runs.filter(({ state }) => state.status === wanted).length;
  const [failed, cancelled] = [count("FAILED"), count("CANCELLED")];
  return [
    `${count("COMPLETED")} of ${runs.length} done`,
    failed > 0 ? `${failed} failed` : "",
    cancelled > 0 ? `${cancelled} cancelled` : "",
    `${count("PROCESSING")} running`,
    hidden > 0 ? `${hidden} not shown` : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function barLine(run: Shown, name: string, { columns, width }: { columns: number; width: number }, style: Terminal["style"]): string {
  const { state } = run;
  const percentage = state.progress?.percentage ?? 0;
  const full = Math.round((percentage / 100) * width);
  const bar = style("cyan", "█".repeat(full)) + style("dim", "░".repeat(width - full));
  // Written out before it is measured: what is written out is longer.
  const rest = visibleText(` ${percentOf(state)}  ${describe(state, run.remaining())}`);
  // A line that wraps could not be redrawn.
  const room = Math.max(0, columns - name.length - width - 1);
  return `${name}${bar}${rest.length > room ? `${rest.slice(0, Math.max(0, room - 1))}…` : rest}`;
}

function createLines({ note }: Terminal, areNamed: boolean): ProgressView {
  const lastKeys = new Map<string, string>();
  const lastProgress = new Map<string, RunState["progress"]>();

  const line = (id: string, state: RunState, left: ReturnType<Shown["remaining"]>): void => {
    const { percentage = 0, stage = "" } = state.progress ?? {};
    const key = `${stage} ${Math.floor(percentage / STEP_PERCENT)} ${state.waiting?.reason ?? ""} ${state.status}`;
    if (key === lastKeys.get(id)) return;
    lastKeys.set(id, key);
    note(`${areNamed ? `${nameOf(id)} ` : ""}${percentOf(state)}  ${describe(state, left)}`);
  };

  return {
    changed(run) {
      const { id, state } = run;
      const { progress } = state;
      const isNews = progress !== lastProgress.get(id);
      lastProgress.set(id, progress);
      // Several updates may have come as one: a short stage is told as well.
      if (progress && isNews)
        for (const update of progress.updates) line(id, { ...state, progress: { ...progress, ...update } }, undefined);
      if (!isTerminal(state.status)) line(id, state, run.remaining());
    },
    end: () => undefined,
  };
}

const percentOf = ({ progress }: RunState): string => `${String(Math.round(progress?.percentage ?? 0)).padStart(3)} %`;

function nameOf(id: string): string {
  const name = visibleText(id);
  return name.length > NAME_WIDTH ? `${name.slice(0, NAME_WIDTH - 1)}…` : name.padEnd(NAME_WIDTH);
}
