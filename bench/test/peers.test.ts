/** The comparison of `npm run bench:peers` works: everything is done to Streamer and to the floor, a few times instead of thousands. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import type { Case } from "../peers/cases.ts";
import type { Load } from "../peers/driver/main.ts";
import { measureOnce, type Terms } from "../peers/measure.ts";
import { METRICS } from "../peers/metrics.ts";
import { readOptions } from "../peers/options.ts";
import { PEERS, type ScenarioName } from "../peers/peers.ts";
import { tableOf } from "../peers/table.ts";

const TERMS: Terms = { streamerModule: "@streamer/embedded", signal: new AbortController().signal };
const SLOTS = 4;
const few = (scenario: ScenarioName, name: string, load: Load): Case => ({ scenario, name, load, slots: SLOTS, isPinned: false });

const ECHO = few("S1", "S1 50×1", { scenario: "echo", terms: { connections: 2, inFlight: 2, warmUpMs: 50, measureMs: 200 } });
const JOBS = few("S2", "S2 64 slots", {
  scenario: "jobs",
  terms: { connections: 2, inFlight: 3, warmUp: 6, total: 40, payloadBytes: 200 },
});
const PROGRESS = few("S3", "S3", { scenario: "progress", terms: { connections: 2, warmUp: 2, total: 6, steps: 10, ms: 100 } });
const CONNECTIONS = few("S4", "S4", { scenario: "connections", terms: { connections: 20, warmUp: 4, broadcasts: 2, settleMs: 100 } });
const CRASH = few("S6", "S6", {
  scenario: "crash",
  terms: { connections: 2, total: SLOTS, jobMs: 1_000, killAfterMs: 100, giveUpMs: 60_000 },
});
/** What must be exactly so, besides that there is a number for each line of the table. */
const EXACTLY: Readonly<Partial<Record<ScenarioName, object>>> = {
  S2: { astray: 0 },
  S3: { astray: 0, disordered: 0 },
  S4: { missed: 0 },
  S6: { astray: 0, unfinished: 0, starts: 2 * SLOTS, ranTwice: 0 },
};

const peerOf = (name: string) => PEERS.find((peer) => peer.name === name)!;
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("streamer-peers-"));

describe("the comparison with peers", () => {
  const done = (["streamer", "floor"] as const).flatMap((name) =>
    [ECHO, JOBS, PROGRESS, CONNECTIONS, CRASH]
      .filter(({ scenario }) => peerOf(name).scenarios.includes(scenario))
      .map((one) => ({ name, one })),
  );

  it.each(done)("$one.scenario with $name", async ({ name, one }) => {
    const run = await measureOnce(peerOf(name), one, TERMS);
    expect(run.failure).toBeUndefined();
    const told = METRICS[one.scenario].map(({ figure }) => run.figures?.[figure]);
    expect(told.filter((value) => !Number.isFinite(value))).toEqual([]);
    expect(run.figures).toMatchObject(EXACTLY[one.scenario] ?? {});
    const table = tableOf([run], [peerOf(name)]);
    expect(table.split("\n")).toHaveLength(2 + METRICS[one.scenario].length);
    expect(table).not.toContain("NaN");
    expect(folders()).toEqual([]);
  });

  it("ends what it started when it is told to", async () => {
    const stopping = new AbortController();
    const long = few("S1", "S1 50×1", { scenario: "echo", terms: { connections: 1, inFlight: 1, warmUpMs: 0, measureMs: 60_000 } });
    const running = measureOnce(peerOf("floor"), long, { ...TERMS, signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error("enough")), 300);
    expect(await running).toMatchObject({ failure: "enough" });
    expect(folders()).toEqual([]);
  });

  it("tells medians, and ratios to the first peer", () => {
    const runs = [100, 300, 200].flatMap((perSecond) => [
      { peer: "streamer", case: "S1 50×1", figures: { perSecond } },
      { peer: "floor", case: "S1 50×1", figures: { perSecond: perSecond * 4 } },
    ]);
    const [, , line] = tableOf(runs, [peerOf("streamer"), peerOf("floor")]).split("\n");
    expect(line).toBe("| S1 50×1 | requests/s | 200 (100–300) | 800 (400–1,200) ×4.00 |");
  });

  it("is asked for by name", () => {
    expect(readOptions(["--peers", "streamer,floor", "--scenarios", "S2", "--reps", "1"])).toMatchObject({
      peers: [{ name: "streamer" }, { name: "floor" }],
      cases: [{ slots: 64 }, { slots: 1_000 }],
      reps: 1,
    });
    expect(readOptions(["--help"])).toBe("help");
    for (const args of [["--peers", "kafka"], ["--scenarios", "S9"], ["--reps", "0"], ["--fast"]])
      expect(readOptions(args)).toHaveProperty("refusal");
  });
});
