/**
 * The load driver: a process of its own that does one scenario to one server. Its task is the first argument, as JSON; what
 * it measured goes to whoever started it.
 */
import type { Figures } from "./figures.ts";
import { connections, type ConnectionsTerms } from "./scenarios/connections.ts";
import { crash, type CrashTerms } from "./scenarios/crash.ts";
import { echo, type EchoTerms } from "./scenarios/echo.ts";
import { jobs, type JobsTerms } from "./scenarios/jobs.ts";
import { progress, type ProgressTerms } from "./scenarios/progress.ts";
import { createStand, type Stand } from "./stand.ts";
import type { Wire } from "./wire.ts";
import { json } from "./wires/json.ts";
import { socketio } from "./wires/socketio.ts";
import { createStreamerWire } from "./wires/streamer.ts";

export type Load =
  | { readonly scenario: "echo"; readonly terms: EchoTerms }
  | { readonly scenario: "jobs"; readonly terms: JobsTerms }
  | { readonly scenario: "progress"; readonly terms: ProgressTerms }
  | { readonly scenario: "connections"; readonly terms: ConnectionsTerms }
  | { readonly scenario: "crash"; readonly terms: CrashTerms };

export type WireName = "json" | "socket.io" | "streamer";

export interface Task {
  readonly load: Load;
  readonly wire: WireName;
  readonly port: number;
  /** What Streamer's tokens are signed with. */
  readonly secret: string;
  /** Of the server, its worker and its store. */
  readonly peerPids: readonly number[];
  /** The process that holds the connections. */
  readonly holderPid: number;
}

/** `kill`: now is the time to kill what runs the jobs. */
export type FromDriver = { readonly kill: true } | { readonly figures: Figures } | { readonly failure: string };

const tell = (message: FromDriver): Promise<void> => new Promise((resolve) => void process.send!(message, () => resolve()));

function wireOf({ wire, secret }: Task): Wire {
  if (wire === "json") return json;
  return wire === "socket.io" ? socketio : createStreamerWire(secret);
}

function perform(stand: Stand, { load, holderPid }: Task): Promise<Figures> {
  switch (load.scenario) {
    case "echo":
      return echo(stand, load.terms);
    case "jobs":
      return jobs(stand, load.terms);
    case "progress":
      return progress(stand, load.terms);
    case "connections":
      return connections(stand, holderPid, load.terms);
    case "crash":
      return crash(stand, () => void tell({ kill: true }), load.terms);
  }
}

const task = JSON.parse(process.argv[2]!) as Task;
// Whoever asked is gone.
process.on("disconnect", () => process.exit(1));
const stand = createStand({ ...task, wire: wireOf(task) });
try {
  const figures = await perform(stand, task);
  const [first] = stand.failures;
  await tell(first === undefined ? { figures } : { failure: `${stand.failures.length} unplanned answers, such as ${first}` });
} catch (error) {
  await tell({ failure: error instanceof Error ? error.message : String(error) });
}
process.exit();
