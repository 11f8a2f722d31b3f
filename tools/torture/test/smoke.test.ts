/** A little of every suite that a little tells of: `npm run torture` has the rest. STREAMER_SEED repeats a run's decisions. */
import { expect, it } from "vitest";
import { runSuite } from "../src/run-suite.ts";
import { SUITES } from "../src/suites/index.ts";

const seed = Number(process.env["STREAMER_SEED"] ?? Date.now() % 1_000_000);
const smoked = SUITES.flatMap((suite) => (suite.smoke === undefined ? [] : [{ ...suite, smoke: suite.smoke }]));

it.for(smoked)("$name, $smoke $unit: every promise is kept", { timeout: 400_000 }, async ({ smoke, ...suite }, { skip }) => {
  skip(suite.needsRoot === true && process.getuid?.() !== 0, "it needs root");
  const tell = (text: string): void => console.log(`${suite.name}: ${text}`);
  tell(`STREAMER_SEED=${seed}`);
  const { broken, figures } = await runSuite(suite, { size: "ci", count: smoke, seed, tell });
  expect(broken).toEqual([]);
  expect(figures.length).toBeGreaterThan(0);
});
