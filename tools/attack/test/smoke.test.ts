/** A little of every theme of attack: `npm run attack` has the rest. STREAMER_SEED repeats a run's decisions. */
import { runSuite } from "@streamer/torture/run-suite";
import { expect, it } from "vitest";
import { suiteOf } from "../src/suite-of.ts";
import { THEMES } from "../src/themes/index.ts";

const seed = Number(process.env["STREAMER_SEED"] ?? Date.now() % 1_000_000);
/** Other tests run beside it: what stops a server for everybody is far above. */
const BOUND_MS = 1_000;
const smoked = THEMES.flatMap((theme) => (theme.smoke === undefined ? [] : [{ ...theme, smoke: theme.smoke }]));

it.for(smoked)("$name, $smoke $unit: nobody else feels it", { timeout: 200_000 }, async (theme) => {
  const tell = (text: string): void => console.log(`${theme.name}: ${text}`);
  tell(`STREAMER_SEED=${seed}`);
  const { broken } = await runSuite(suiteOf(theme, { boundMs: BOUND_MS }), { size: "ci", count: theme.smoke, seed, tell });
  expect(broken).toEqual([]);
});
