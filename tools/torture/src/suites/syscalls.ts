/**
 * The n-th call of a kind that the server makes of the operating system fails, or kills it: strace injects the fault.
 * An error passes: the same process has to refuse by name, heal by itself and lose nothing. A death is followed by a start.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { createRandom } from "@streamer/contract/random";
import { startLoad } from "../load.ts";
import { fixedPort, startProcess } from "../server/start.ts";
import type { Suite, Terms } from "../suite.ts";
import { requireStrace } from "../server/requirements.ts";

const AT_ONCE = 2;
const CLIENTS = 4;
/** Requests that have to end after the fault before it is over. */
const AFTER = 12;
/**
 * What a store and its files are made of, and about how many of each a short life makes: in the store's own thread, where
 * what comes before it is counted too, and in those of files.
 */
const CALLS: Readonly<Record<string, number>> = { fsync: 24, pwrite64: 120, ftruncate: 2, unlink: 3, rename: 2, openat: 4 };
const FAULTS = ["error=EIO", "error=ENOSPC", "signal=SIGKILL"] as const;
const options = { quarantineAfter: 1_000_000 };

export const syscalls: Suite = {
  name: "syscalls",
  fault: "the n-th write, sync or open of the server fails with EIO or ENOSPC, or kills it (strace)",
  unit: "faults",
  counts: { ci: 150, release: 1_200 },
  smoke: 4,
  limitSeconds: { ci: 500, release: 3_600 },
  async run(terms) {
    await requireStrace();
    let next = 0;
    const all: Fault[] = [];
    const lane = async (): Promise<void> => {
      while (all.filter(({ hit }) => hit).length < terms.count && !terms.signal.aborted) {
        const at = next;
        next += 1;
        all.push(await injectOne(terms, at));
        if (all.length % 25 === 0) terms.tell(`${all.length} tried`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    const figures = FAULTS.map((fault) => {
      const some = all.filter((one) => one.fault === fault);
      const sum = (of: (one: Fault) => number): number => some.reduce((total, one) => total + of(one), 0);
      return {
        fault,
        tried: some.length,
        injected: sum(({ hit }) => Number(hit)),
        died: sum(({ died }) => Number(died)),
        refused: sum(({ refused }) => refused),
        requests_ended: sum(({ ended }) => ended),
      };
    });
    return { figures, broken: all.flatMap(({ broken }) => broken) };
  },
};

interface Fault {
  readonly fault: (typeof FAULTS)[number];
  /** Whether the call was made so often that the fault came. */
  readonly hit: boolean;
  readonly died: boolean;
  readonly refused: number;
  readonly ended: number;
  readonly broken: readonly string[];
}

async function injectOne({ seed, scratch, signal }: Terms, at: number): Promise<Fault> {
  const random = createRandom(seed + 7_919 * at);
  const dataFolder = join(scratch, `fault-${at}`);
  await mkdir(dataFolder);
  const port = await fixedPort(random);
  const names = Object.keys(CALLS);
  const call = names[Math.floor(random() * names.length)]!;
  const fault = FAULTS[Math.floor(random() * FAULTS.length)]!;
  const when = 1 + Math.floor(random() * CALLS[call]!);
  // The store is made first: what cannot be made at a first start is told by its exit code, and is no request's matter.
  await (await startProcess({ dataFolder, port, options }))[Symbol.asyncDispose]();
  // -D: strace is nobody's parent, so that signals and exit codes are the server's own. Its threads are followed. Modules
  // are opened too: of what is opened, only files count.
  const trace = join(scratch, `trace-${at}`);
  const paths = call === "openat" ? ["blobs/partial", "blobs", "streamer.db-wal"].flatMap((name) => ["-P", join(dataFolder, name)]) : [];
  // Where strace stops by seccomp it cannot deliver a signal.
  const quicker = fault.startsWith("error=") ? ["--seccomp-bpf"] : [];
  const strace = ["strace", "-D", "-f", "-qqq", ...quicker, "-o", trace, ...paths];
  const under = [...strace, "-e", `trace=${call}`, "-e", `inject=${call}:${fault}:when=${when}`];
  let server = await startProcess({ dataFolder, port, options, logLevel: "silent", under }).catch(() => undefined);
  const startFailed = server === undefined;
  let died = startFailed;
  // The fault came while it started: it said so and ended, as it should. Nothing had been promised.
  server ??= await startProcess({ dataFolder, port, options });
  const load = startLoad({ ...server, random, clients: CLIENTS, name: `f${at}`, signal });
  const end = load.ended + AFTER;
  while (load.ended < end && !signal.aborted) {
    await pass(10);
    if (!server.hasExited) continue;
    died = true;
    server = await startProcess({ dataFolder, port, options });
  }
  await load.stop();
  const about = `${call}:${fault}:when=${when}, fault ${at}`;
  const broken = (await load.verdict()).map((text) => `${text} (${about})`);
  load.close();
  if (died && !startFailed && fault !== "signal=SIGKILL" && server) broken.push(`the server ended itself (${about})`);
  await server[Symbol.asyncDispose]();
  const hit = died || (await readFile(trace, "utf8").catch(() => "")).includes("(INJECTED)");
  const refused = Object.values(load.refusals).reduce((total, some) => total + some, 0);
  return { fault, hit, died, refused, ended: load.ended, broken };
}
