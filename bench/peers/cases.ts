/** The cases of each scenario: what is done to every peer alike. */
import type { Load } from "./driver/main.ts";
import type { ScenarioName } from "./peers.ts";

export interface Case {
  readonly scenario: ScenarioName;
  /** As the table has it. */
  readonly name: string;
  readonly load: Load;
  /** Jobs that run at a time. */
  readonly slots: number;
  /** The peer on one CPU and the driver on another, so that neither takes from the other. */
  readonly isPinned: boolean;
}

const SLOTS = 200;

const echo = (connections: number, inFlight: number): Case => ({
  scenario: "S1",
  name: `S1 ${connections}×${inFlight}`,
  load: { scenario: "echo", terms: { connections, inFlight, warmUpMs: 1_500, measureMs: 5_000 } },
  slots: SLOTS,
  isPinned: true,
});

const jobs = (slots: number): Case => ({
  scenario: "S2",
  name: `S2 ${slots.toLocaleString("en-US")} slots`,
  load: { scenario: "jobs", terms: { connections: 50, inFlight: 20, warmUp: 2_000, total: 20_000, payloadBytes: 200 } },
  slots,
  isPinned: false,
});

export const CASES: readonly Case[] = [
  echo(1, 1),
  echo(50, 1),
  echo(50, 20),
  jobs(64),
  jobs(1_000),
  {
    scenario: "S3",
    name: "S3",
    load: { scenario: "progress", terms: { connections: 50, warmUp: 200, total: 2_000, steps: 50, ms: 1_000 } },
    slots: SLOTS,
    isPinned: false,
  },
  {
    scenario: "S4",
    name: "S4",
    load: { scenario: "connections", terms: { connections: 10_000, warmUp: 200, broadcasts: 10, settleMs: 1_500 } },
    slots: SLOTS,
    isPinned: true,
  },
  {
    scenario: "S6",
    name: "S6",
    load: { scenario: "crash", terms: { connections: 20, total: 200, jobMs: 2_000, killAfterMs: 800, giveUpMs: 120_000 } },
    slots: SLOTS,
    isPinned: false,
  },
];
