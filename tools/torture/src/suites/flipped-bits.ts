/**
 * One bit flips in what a server has stored: in a page of the database, in the log that a killed one left, in a file. All
 * that a client can ask is asked then. Each answer is what it was before, or a refusal that says what is damaged.
 */
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createRandom } from "@streamer/contract/random";
import { readAll, REFUSED, type Answers } from "../flips/answers.ts";
import { filesOf, flip, logOf, pagesOf, type Place } from "../flips/places.ts";
import { stock, type Stocked } from "../flips/stock.ts";
import { startProcess, type ServerProcess } from "../server/start.ts";
import type { Suite, Terms } from "../suite.ts";

const AT_ONCE = 2;
const options = { quarantineAfter: 1_000_000 };
const OUTCOMES = ["harmless", "mended", "refused by name", "refused to start"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** A data folder as a server left it, and what is told of it. */
interface Original {
  readonly folder: string;
  readonly stocked: readonly Stocked[];
  readonly answers: Answers;
}

export const flippedBits: Suite = {
  name: "flipped-bits",
  fault: "one bit flips in the database, its log or a file of a server that is stopped or was killed",
  unit: "flips",
  counts: { ci: 50, release: 500 },
  limitSeconds: { ci: 400, release: 3_000 },
  async run(terms) {
    const [stopped, killed] = [await makeOriginal(terms, "stopped"), await makeOriginal(terms, "killed")];
    const pages = pagesOf(stopped.folder);
    const trees = Object.values(Object.groupBy(pages, ({ what }) => what)) as readonly (readonly Place[])[];
    const choose = (random: () => number): { readonly original: Original; readonly place: Place } => {
      const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
      const share = random();
      if (share < 0.2) return { original: killed, place: logOf(killed.folder) };
      if (share < 0.4) return { original: stopped, place: oneOf(filesOf(stopped.folder)) };
      // Large values have most pages; what is small is hit as well.
      return { original: stopped, place: share < 0.7 ? oneOf(pages) : oneOf(oneOf(trees)) };
    };
    const all: Flipped[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < terms.count && !terms.signal.aborted) {
        const at = (next += 1);
        const random = createRandom(terms.seed + 7_919 * at);
        all.push(await flipOne(terms, { at, random, ...choose(random) }));
        if (all.length % 25 === 0) terms.tell(`${all.length} flips`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    const places = Object.entries(Object.groupBy(all, ({ what }) => what)) as readonly [string, readonly Flipped[]][];
    const figures = places.map(([what, some]) => ({
      bit_in: what,
      flips: some.length,
      ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, some.filter((one) => one.outcome === outcome).length])),
      wrong: some.filter(({ broken }) => broken.length > 0).length,
    }));
    return { figures, broken: all.flatMap(({ broken }) => broken) };
  },
};

async function makeOriginal({ scratch, signal }: Terms, how: "stopped" | "killed"): Promise<Original> {
  const folder = join(scratch, how);
  await mkdir(folder);
  const server = await startProcess({ dataFolder: folder, options });
  const stocked = await stock(server, signal);
  if (how === "stopped") await server.stop();
  await server[Symbol.asyncDispose]();
  // Twice: what two readings of the same say in different ways is nothing that a third could be held to.
  const first = await readCopy({ folder, stocked, links: new Map(), signal });
  const again = await readCopy({ folder, stocked, links: first.links, signal });
  const third = await readCopy({ folder, stocked, links: first.links, signal });
  const unlike = Array.from(again.byQuestion).filter(
    ([question, answer]) => third.byQuestion.get(question) !== answer || answer === REFUSED,
  );
  if (unlike.length > 0) throw new Error(`Read twice, an undamaged folder answers otherwise: ${JSON.stringify(unlike[0])}`);
  return { folder, stocked, answers: { ...again, links: first.links } };
}

interface CopyTerms {
  readonly folder: string;
  readonly stocked: readonly Stocked[];
  readonly links: Answers["links"];
  readonly signal: AbortSignal;
}

async function readCopy({ folder, stocked, links, signal }: CopyTerms): Promise<Answers> {
  const copy = `${folder}-copy`;
  await cp(folder, copy, { recursive: true });
  const server = await startProcess({ dataFolder: copy, options });
  try {
    return await readAll({ ...server, stocked, links, isOver: () => signal.aborted || server.hasExited });
  } finally {
    await server[Symbol.asyncDispose]();
    await rm(copy, { recursive: true });
  }
}

interface Flipped {
  readonly what: string;
  readonly outcome: Outcome | "wrong";
  readonly broken: readonly string[];
}

interface FlipTerms {
  readonly at: number;
  readonly random: () => number;
  readonly original: Original;
  readonly place: Place;
}

async function flipOne({ scratch, signal }: Terms, { at, random, original, place }: FlipTerms): Promise<Flipped> {
  const dataFolder = join(scratch, `flip-${at}`);
  await cp(original.folder, dataFolder, { recursive: true });
  const where = `flip ${at}, ${await flip(dataFolder, place, random)} (${place.what})`;
  const { what } = place;
  try {
    let server: ServerProcess;
    try {
      server = await startProcess({ dataFolder, options, logLevel: "warn", keepsLog: true });
    } catch (error) {
      const text = String(error);
      const isNamed = text.includes(join(dataFolder, place.file)) && text.includes("DATA_LOSS");
      return isNamed
        ? { what, outcome: "refused to start", broken: [] }
        : wrong(what, [`${where}: it did not start, and named no file: ${text}`]);
    }
    await using running = server;
    const { stocked, answers } = original;
    const isOver = (): boolean => signal.aborted || running.hasExited;
    const now = await readAll({ ...running, stocked, links: answers.links, isOver }).catch((error: unknown) => error as Error);
    if (now instanceof Error) return wrong(what, [`${where}: ${running.hasExited ? "the server died" : now.message}: ${running.log}`]);
    return judge({ what, where, before: answers, now, log: running.log });
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}

interface Told {
  readonly what: string;
  readonly where: string;
  readonly before: Answers;
  readonly now: Answers;
  readonly log: string;
}

function judge({ what, where, before, now, log }: Told): Flipped {
  const changed = Array.from(before.byQuestion).filter(([question, answer]) => now.byQuestion.get(question) !== answer);
  const others = changed.filter(([question]) => now.byQuestion.get(question) !== REFUSED);
  if (others.length > 0) {
    const told = others.map(([question, answer]) => `${question}: ${short(now.byQuestion.get(question))} instead of ${short(answer)}`);
    return wrong(what, [`${where}: ${told.join("; ")}: ${log}`]);
  }
  if (changed.length > 0 || log.includes("DATA_LOSS")) return { what, outcome: "refused by name", broken: [] };
  return { what, outcome: log.includes("damaged") ? "mended" : "harmless", broken: [] };
}

const wrong = (what: string, broken: readonly string[]): Flipped => ({ what, outcome: "wrong", broken });

const SHORT = 300;
const short = (text = "nothing"): string => (text.length > SHORT ? `${text.slice(0, SHORT)}…` : text);
