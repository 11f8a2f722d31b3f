/** What `npm run bench:peers` is asked for. */
import { parseArgs } from "node:util";
import { CASES, type Case } from "./cases.ts";
import { PEERS, type Peer } from "./peers.ts";

export interface Asked {
  readonly peers: readonly Peer[];
  readonly cases: readonly Case[];
  readonly reps: number;
  readonly isBoosted: boolean;
  readonly isJson: boolean;
}

const scenarios = [...new Set(CASES.map(({ scenario }) => scenario))];

export const HELP = `npm run bench:peers [-- options]

Measures Streamer beside what people use today and beside a floor, all with one load driver, one after another, and prints
one Markdown table. docs/performance.md says what the scenarios are and how to read the figures.

  --peers a,b      of ${PEERS.map(({ name }) => name).join(", ")}. The others are compared with the first. Default: all
  --scenarios a,b  of ${scenarios.join(", ")}. Default: all
  --reps n         how often each is measured; medians are told. Default: 3
  --boost          as root: precedence over other work on the machine, by a CPU cgroup
  --json           every run as JSON instead of the table
  --help           this
`;

/** What was asked for, or what is wrong with it. */
export function readOptions(args: readonly string[]): Asked | "help" | { readonly refusal: string } {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        peers: { type: "string" },
        scenarios: { type: "string" },
        reps: { type: "string", default: "3" },
        boost: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
  if (values.help) return "help";
  const reps = Number(values.reps);
  if (!Number.isInteger(reps) || reps < 1) return { refusal: `--reps is a whole number from 1 on, not "${values.reps}".` };
  const names = values.peers?.split(",") ?? PEERS.map(({ name }) => name);
  const wanted: readonly string[] = values.scenarios?.split(",") ?? scenarios;
  const unknown = [
    ...names.filter((name) => !PEERS.some((peer) => peer.name === name)),
    ...wanted.filter((name) => !scenarios.some((scenario) => scenario === name)),
  ];
  if (unknown.length > 0) return { refusal: `There is no "${unknown.join('", "')}"; --help names what there is.` };
  return {
    peers: names.map((name) => PEERS.find((peer) => peer.name === name)!),
    cases: CASES.filter(({ scenario }) => wanted.includes(scenario)),
    reps,
    isBoosted: values.boost,
    isJson: values.json,
  };
}
