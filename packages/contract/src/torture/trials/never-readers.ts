/** One in ten clients never reads its socket: what the others wait, with such clients and without, in turn. */
import type { Asker, Ending } from "../asker.ts";
import { ask, median, openAsker, quantile, settled, tally, within, type TrialOutcome, type TrialTarget, type TrialTerms } from "./trial.ts";

const PAIRS = 3;
const ROUNDS = 20;
/** What each of those who never read asks for at once. */
const UNREAD = 20;
/** Others' p99 may be this many times what it is without. */
const AT_MOST = 2;

export interface NeverReaderTerms extends TrialTerms {
  readonly clients: number;
}

export async function neverReaders(target: TrialTarget, terms: NeverReaderTerms): Promise<TrialOutcome> {
  const { clients, random, signal } = terms;
  const askers: Asker[] = [];
  const endings: (Ending | undefined)[] = [];

  async function p99Of(unreadClients: number): Promise<number> {
    const deaf = await Promise.all(Array.from({ length: unreadClients }, () => openAsker(target, "torture-deaf", { random })));
    await settled(
      deaf.map(({ ready }) => ready),
      within(signal, 30_000),
    );
    for (const asker of deaf) {
      asker.stopReading();
      for (let n = 0; n < UNREAD; n += 1) void asker.request(ask(target));
    }
    const readers = await Promise.all(
      Array.from({ length: clients - unreadClients }, () => openAsker(target, "torture-reader", { random })),
    );
    await settled(
      readers.map(({ ready }) => ready),
      within(signal, 30_000),
    );
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
    for (const asker of [...deaf, ...readers]) asker.close();
    askers.push(...readers);
    return quantile(times, 0.99);
  }

  await p99Of(0);
  const without: number[] = [];
  const withThem: number[] = [];
  for (let pair = 0; pair < PAIRS && !signal.aborted; pair += 1) {
    without.push(await p99Of(0));
    withThem.push(await p99Of(Math.ceil(clients / 10)));
  }
  const ratio = median(withThem) / median(without);
  const { row, broken } = tally("never-readers", target, { askers, endings });
  return {
    rows: [
      {
        ...row,
        clients,
        p99_without_ms: Math.round(median(without)),
        p99_with_ms: Math.round(median(withThem)),
        ratio: Math.round(100 * ratio) / 100,
      },
    ],
    broken:
      ratio <= AT_MOST
        ? broken
        : [...broken, `never-readers: others' p99 is ${ratio.toFixed(2)} times what it is without; ${AT_MOST} are allowed`],
  };
}
