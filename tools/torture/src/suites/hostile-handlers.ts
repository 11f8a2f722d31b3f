/**
 * Handlers that loop, exit, eat memory, flood, throw what is no error and return what is no JSON, beside others' work. In
 * a process of their own they harm nobody. Beside the sockets, what can be survived is survived; the rest ends with its
 * server, as often as it takes to be a dead letter.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { outlive } from "../hostile/deadly.ts";
import { survive } from "../hostile/survived.ts";
import { DEEDS, type Deed } from "../server/hostile.ts";
import { fixedPort, type StartTerms } from "../server/start.ts";
import type { Outcome, Suite, Terms } from "../suite.ts";

/** So that a handler that eats memory is soon full. */
const env = { NODE_OPTIONS: "--max-old-space-size=256" };
/** In the thread of the sockets nothing survives these. */
const DEADLY: readonly Deed[] = ["loop", "exit", "kill", "allocate"];
const deeds = Object.keys(DEEDS) as readonly Deed[];
const survivable = deeds.filter((deed) => !DEADLY.includes(deed));

export const hostileHandlers: Suite = {
  name: "hostile-handlers",
  fault: "handlers loop, exit, eat memory, flood, throw and return what nobody can use, inline and isolated",
  unit: "rounds of every deed",
  counts: { ci: 1, release: 20 },
  limitSeconds: { ci: 900, release: 7_200 },
  async run(terms) {
    const outcomes: Outcome[] = [
      await survive(terms, { place: "isolated", deeds, start: await startTerms(terms, "isolated") }),
      await survive(terms, { place: "inline", deeds: survivable, start: await startTerms(terms, "inline") }),
    ];
    for (let round = 0; round < terms.count; round += 1) {
      for (const deed of DEADLY) {
        if (terms.signal.aborted) break;
        const name = `${deed}-${round}`;
        outcomes.push(await outlive(terms, { deed, name, start: await startTerms(terms, name) }));
        terms.tell(`inline: ${deed} was outlived, round ${round + 1}`);
      }
    }
    return { figures: outcomes.flatMap(({ figures }) => figures), broken: outcomes.flatMap(({ broken }) => broken) };
  },
};

async function startTerms({ scratch, random }: Terms, name: string): Promise<StartTerms> {
  const dataFolder = join(scratch, name);
  await mkdir(dataFolder);
  return { dataFolder, port: await fixedPort(random), env, keepsLog: true };
}
