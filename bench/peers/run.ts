/** `npm run bench:peers`: every peer, case after case, with one driver; progress on stderr, the table on stdout. */
import { boost } from "./boost.ts";
import type { Case } from "./cases.ts";
import { headingOf } from "./heading.ts";
import { measureOnce, type Run, type Terms } from "./measure.ts";
import { METRICS } from "./metrics.ts";
import { buildStreamer, installPackages, missingPrograms } from "./needs.ts";
import { HELP, readOptions, type Asked } from "./options.ts";
import type { Peer } from "./peers.ts";
import { tableOf } from "./table.ts";

/** A run beside which other work on the machine took more than this share of a core is done a second time. */
const NOISY_PERCENT = 15;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const othersOf = ({ figures }: Run): number => figures?.["othersPercent"] ?? 0;

async function measure(peer: Peer, one: Case, terms: Terms): Promise<Run> {
  const run = await measureOnce(peer, one, terms);
  const shown = METRICS[one.scenario].map(({ label, figure, digits }) => `${label} ${run.figures?.[figure]?.toFixed(digits)}`);
  say(`${one.name} ${peer.name}: ${run.failure ?? shown.join(", ")}`);
  return run;
}

/** Of two disturbed ones, the less disturbed: whatever it says. */
async function measureQuietly(peer: Peer, one: Case, terms: Terms): Promise<Run> {
  const first = await measure(peer, one, terms);
  if (othersOf(first) <= NOISY_PERCENT || terms.signal.aborted) return first;
  say(`  once more: other work took ${Math.round(othersOf(first))} % of a core`);
  const second = await measure(peer, one, terms);
  return second.figures && othersOf(second) < othersOf(first) ? second : first;
}

async function measureAll({ peers, cases, reps }: Asked, terms: Terms): Promise<readonly Run[]> {
  const rounds = Array.from({ length: reps }, () => cases.flatMap((one) => peers.map((peer) => ({ peer, one })))).flat();
  const runs: Run[] = [];
  for (const { peer, one } of rounds)
    if (!terms.signal.aborted && peer.scenarios.includes(one.scenario)) runs.push(await measureQuietly(peer, one, terms));
  return runs;
}

const STOPPED = 130;

async function main(asked: Asked, signal: AbortSignal): Promise<number> {
  const missing = missingPrograms(asked.peers) ?? (asked.isBoosted && process.getuid?.() !== 0 ? "Only root can --boost." : undefined);
  if (missing !== undefined) {
    say(missing);
    return 2;
  }
  if (asked.isBoosted) boost();
  await installPackages(asked.peers);
  const streamerModule = await buildStreamer(say);
  const heading = headingOf(asked);
  say(heading.lines.join("\n"));
  const runs = await measureAll(asked, { streamerModule, signal });
  if (signal.aborted) return STOPPED;
  const noisy = runs.filter((run) => othersOf(run) > NOISY_PERCENT).length;
  if (asked.isJson) console.log(JSON.stringify({ ...heading.surroundings, runs }, undefined, 2));
  else
    console.log(
      `${heading.lines.join("\n")}\n\n${tableOf(runs, asked.peers)}\n\n${noisy} of ${runs.length} runs were disturbed by other work on the machine.`,
    );
  return runs.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

const asked = readOptions(process.argv.slice(2));
const stopping = new AbortController();
/** The run that is under way ends all that it started; whoever asks again does not wait for that. */
function stop(): void {
  if (stopping.signal.aborted) process.exit(STOPPED);
  stopping.abort(new Error("It was told to stop."));
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
if (asked === "help") process.stdout.write(HELP);
else if ("refusal" in asked) {
  say(asked.refusal);
  process.exitCode = 2;
} else process.exitCode = await main(asked, stopping.signal);
