/**
 * One in ten clients asks for much and never reads its socket: what the others wait, and what the server holds, beside the
 * same while that tenth does read. In turn, so that what else the machine does counts on both sides.
 */
import type { Asker, Ending } from "../asker.ts";
import { ask, median, openAsker, quantile, settled, tally, within, type TrialOutcome, type TrialTarget, type TrialTerms } from "./trial.ts";

const PAIRS = 3;
const ROUNDS = 20;
/** What each of the tenth asks for at once, unless it is said otherwise. */
const UNREAD = 20;
/** Resident memory differs by so much, in MiB, from one moment to the next, whoever reads. */
const NOISE_MIB = 32;
/** Others' p99 may be this many times what it is otherwise. */
const AT_MOST = 2;

export interface NeverReaderTerms extends TrialTerms {
  readonly clients: number;
  /** What each of the tenth asks for, all at once. Default what the others do, 20 times. */
  readonly unread?: Pick<TrialTarget, "action" | "payload"> & { readonly times: number };
  /** Where the server's memory can be read. */
  readonly memory?: {
    /** MiB. */
    readonly read: () => Promise<number>;
    /** What it may hold for each client that does not read. */
    readonly atMostEachMiB: number;
  };
}

interface Phase {
  readonly p99: number;
  readonly memoryMiB: number;
}

export async function neverReaders(target: TrialTarget, terms: NeverReaderTerms): Promise<TrialOutcome> {
  const { clients, unread = { ...target, times: UNREAD }, memory, random, signal } = terms;
  const deafCount = Math.ceil(clients / 10);
  const askers: Asker[] = [];
  const endings: (Ending | undefined)[] = [];

  async function open(count: number, user: string): Promise<readonly Asker[]> {
    const opened = await Promise.all(Array.from({ length: count }, () => openAsker(target, user, { random })));
    await settled(
      opened.map(({ ready }) => ready),
      within(signal, 30_000),
    );
    return opened;
  }

  async function phase(reads: boolean): Promise<Phase> {
    const tenth = await open(deafCount, "torture-deaf");
    for (const asker of tenth) {
      if (!reads) asker.stopReading();
      for (let n = 0; n < unread.times; n += 1) void asker.request(ask({ ...target, ...unread }));
    }
    const readers = await open(clients - deafCount, "torture-reader");
    const times: number[] = [];
    await Promise.all(
      readers.map(async (reader) => {
        for (let round = 0; round < ROUNDS && !signal.aborted; round += 1) {
          const [ending] = await settled([reader.request(ask(target))], within(signal, 60_000));
          endings.push(ending);
          if (ending) times.push(ending.ms);
        }
      }),
    );
    const memoryMiB = (await memory?.read()) ?? 0;
    for (const asker of [...tenth, ...readers]) asker.close();
    askers.push(...readers);
    return { p99: quantile(times, 0.99), memoryMiB };
  }

  await phase(true);
  const reading: Phase[] = [];
  const deaf: Phase[] = [];
  for (let pair = 0; pair < PAIRS && !signal.aborted; pair += 1) {
    reading.push(await phase(true));
    deaf.push(await phase(false));
  }
  const middle = (of: (one: Phase) => number) => ({ without: median(reading.map(of)), with: median(deaf.map(of)) });
  const [p99, held] = [middle((one) => one.p99), middle(({ memoryMiB }) => memoryMiB)];
  const ratio = p99.with / p99.without;
  const more = held.with - held.without;
  const { row, broken } = tally("never-readers", target, { askers, endings });
  return {
    rows: [
      {
        ...row,
        clients,
        p99_without_ms: Math.round(p99.without),
        p99_with_ms: Math.round(p99.with),
        ratio: Math.round(100 * ratio) / 100,
        ...(memory && { memory_without_mib: held.without, memory_with_mib: held.with }),
      },
    ],
    broken: [
      ...broken,
      ...(ratio <= AT_MOST
        ? []
        : [`never-readers: others' p99 is ${ratio.toFixed(2)} times what it is when all read; ${AT_MOST} are allowed`]),
      ...(memory && more > deafCount * memory.atMostEachMiB + NOISE_MIB
        ? [
            `never-readers: the server holds ${more} MiB more for ${deafCount} that do not read; ${memory.atMostEachMiB} for each are allowed, and ${NOISE_MIB}`,
          ]
        : []),
    ],
  };
}
