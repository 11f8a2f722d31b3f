/**
 * A process that has core with every mutant in it, and its tests. It is told which mutant to switch on and which tests to
 * run, and answers what they noticed.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { setPriority } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Surface from "./tests.ts";
import type { Test } from "./tests.ts";

/** What the switches look at: Stryker's names. */
interface Switches {
  activeMutant?: string;
  currentTestId?: string;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: Coverage;
}
export type Hits = Readonly<Record<string, number>>;
export interface Coverage {
  readonly static: Hits;
  readonly perTest: Readonly<Record<string, Hits>>;
}

export type Order =
  /** Runs every test but those whose names match. */
  | { readonly kind: "cover"; readonly without: string }
  | {
      readonly kind: "try";
      readonly mutant: string;
      readonly tests: readonly { readonly id: string; readonly limitMs: number }[];
      readonly hitLimit: number;
      /** It is switched on from the start of this process. */
      readonly isStatic: boolean;
    };

export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "running"; readonly test: string }
  | {
      readonly kind: "covered";
      readonly coverage: Coverage;
      readonly tests: readonly { readonly id: string; readonly name: string; readonly ms: number; readonly problem?: string }[];
    }
  | { readonly kind: "survived" }
  | { readonly kind: "killed"; readonly by: string; readonly message: string }
  | { readonly kind: "timed out"; readonly by: string }
  /** A test fails without the mutant, too: something before has left its mark on this process. */
  | { readonly kind: "spoilt" };

const NO_MUTANT = "none";
const [sourcesFile, testFiles] = process.argv.slice(2) as [string, string];
const sources = JSON.parse(readFileSync(sourcesFile, "utf8")) as Readonly<Record<string, string>>;
const byUrl = new Map(Object.entries(sources).map(([path, source]) => [pathToFileURL(path).href, source]));
const surface = new URL("tests.ts", import.meta.url).href;

setPriority(15);
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "vitest" && context.parentURL !== surface ? { url: surface, shortCircuit: true } : next(specifier, context),
  load: (url, context, next) => {
    const source = byUrl.get(url);
    return source === undefined ? next(url, context) : { format: "module-typescript", source, shortCircuit: true };
  },
});
const switches: Switches = ((globalThis as unknown as Record<string, Switches>)["__stryker__"] ??= {});
switches.activeMutant = process.env["MUTANT"] ?? NO_MUTANT;

const { begin, tests } = (await import(surface)) as typeof Surface;
for (const file of JSON.parse(testFiles) as readonly string[]) {
  begin(file);
  await import(pathToFileURL(file).href);
}
const byId = new Map(tests.map((test) => [test.id, test]));
// A promise that a mutant left behind is nobody's: what a test does not notice is not counted.
process.on("unhandledRejection", () => {});
process.on("uncaughtException", () => {});

const TICK_MS = 20;
const TIMED_OUT = Symbol("timed out");

const textOf = (problem: unknown): string => (problem instanceof Error ? problem.message.slice(0, 200) : typeof problem);

async function run(test: Test, limitMs: number): Promise<unknown> {
  // Counted in ticks of this process: while others have the machine, its time does not pass.
  let ticks = limitMs / TICK_MS;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<symbol>((resolve) => {
    timer = setInterval(() => {
      ticks -= 1;
      if (ticks <= 0) resolve(TIMED_OUT);
    }, TICK_MS);
  });
  try {
    return await Promise.race([test.run().then(() => undefined), late]);
  } catch (error) {
    return error ?? new Error("nothing was thrown");
  } finally {
    clearInterval(timer);
  }
}

async function cover({ without }: Extract<Order, { kind: "cover" }>): Promise<Report> {
  const ran: { id: string; name: string; ms: number; problem?: string }[] = [];
  const left = new RegExp(without);
  for (const test of tests.filter(({ name }) => !left.test(name))) {
    tell({ kind: "running", test: test.id });
    switches.currentTestId = test.id;
    const started = performance.now();
    const problem = await run(test, 60_000);
    ran.push({ id: test.id, name: test.name, ms: performance.now() - started, ...(problem !== undefined && { problem: textOf(problem) }) });
  }
  return { kind: "covered", coverage: switches.mutantCoverage ?? { static: {}, perTest: {} }, tests: ran };
}

async function tryMutant({ mutant, tests: wanted, hitLimit, isStatic }: Extract<Order, { kind: "try" }>): Promise<Report> {
  for (const { id, limitMs } of wanted) {
    const test = byId.get(id);
    // A table of core that tests are made from is shorter under some mutants: what is not there notices nothing.
    if (!test) continue;
    tell({ kind: "running", test: id });
    Object.assign(switches, { activeMutant: mutant, currentTestId: id, hitCount: 0, hitLimit });
    const problem = await run(test, limitMs);
    const isLoop = (switches.hitCount ?? 0) > hitLimit;
    if (!isStatic) switches.activeMutant = NO_MUTANT;
    if (problem === TIMED_OUT || isLoop) return { kind: "timed out", by: test.name };
    if (problem === undefined) continue;
    if (!isStatic && (await run(test, limitMs)) !== undefined) return { kind: "spoilt" };
    return { kind: "killed", by: test.name, message: textOf(problem) };
  }
  return { kind: "survived" };
}

function tell(report: Report): void {
  process.send!(report);
}

process.on("message", (order: Order) => {
  const answer = order.kind === "cover" ? cover(order) : tryMutant(order);
  void answer.then(tell, (error: unknown) => {
    process.stderr.write(`${fileURLToPath(import.meta.url)}: ${String(error)}\n`);
    process.exit(1);
  });
});
process.on("disconnect", () => process.exit(0));
tell({ kind: "ready" });
