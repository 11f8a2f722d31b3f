/** One session's traffic, cut after every byte in each direction, by a reset and by an orderly end in turn. */
import { createAsker } from "../asker.ts";
import { DIRECTIONS, startByteCut, WAYS, type ByteCut, type Cut } from "../byte-cut.ts";
import { ask, settled, tally, within, type TrialOutcome, type TrialTarget, type TrialTerms } from "./trial.ts";

/** A session takes milliseconds: one that takes this long has lost its end. */
const PATIENCE_MS = 30_000;
/** Sessions, unless it is said otherwise. */
const AT_ONCE = 24;

export interface CutTerms extends TrialTerms {
  /** How many cuts at most; every byte when that is more than there are. Default every byte. */
  readonly cuts?: number;
  /** Sessions. Default 24. */
  readonly atOnce?: number;
}

/** Where to cut so that all bytes are covered evenly, in both directions and ways. */
function planCuts(bytes: ByteCut["passed"], atMost: number): readonly Cut[] {
  const everywhere = DIRECTIONS.flatMap((direction) =>
    Array.from({ length: bytes[direction] }, (_, at) => ({ direction, afterBytes: at + 1 })),
  );
  const count = Math.min(atMost, everywhere.length);
  return Array.from({ length: count }, (_, n): Cut => ({
    ...everywhere[Math.floor((n * everywhere.length) / count)]!,
    way: WAYS[n % WAYS.length]!,
  }));
}

/** Runs `session` once uncut and then once for each cut, several at a time. */
export async function cutEverywhere<T>(
  url: string,
  { cuts: atMost = Infinity, atOnce = AT_ONCE, signal }: CutTerms,
  session: (way: ByteCut, cut: Cut | undefined) => Promise<T>,
): Promise<{ readonly bytes: ByteCut["passed"]; readonly plan: readonly Cut[]; readonly struck: number; readonly results: readonly T[] }> {
  const whole = await startByteCut(url);
  const results = [await session(whole, undefined)];
  await whole[Symbol.asyncDispose]();
  const plan = planCuts(whole.passed, atMost);
  let next = 0;
  let struck = 0;
  const lane = async (): Promise<void> => {
    while (next < plan.length && !signal.aborted) {
      const cut = plan[next++]!;
      await using way = await startByteCut(url, cut);
      results.push(await session(way, cut));
      if (way.hasStruck) struck += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { bytes: whole.passed, plan, struck, results };
}

export async function cuts(target: TrialTarget, terms: CutTerms): Promise<TrialOutcome> {
  const token = await target.token("torture-cuts");
  const { random, signal } = terms;
  const { bytes, plan, struck, results } = await cutEverywhere(target.url, terms, async (way) => {
    const asker = createAsker({ url: way.url, headers: { host: way.host }, token, random, baseMs: 20, capMs: 500 });
    const [ending] = await settled([asker.request(ask(target))], within(signal, PATIENCE_MS));
    asker.close();
    return { asker, ending };
  });
  const { row, broken } = tally("cuts", target, {
    askers: results.map(({ asker }) => asker),
    endings: results.map(({ ending }) => ending),
  });
  return {
    rows: [{ ...row, cuts: struck, up_bytes: bytes.up, down_bytes: bytes.down }],
    broken: [...broken, ...tooFew(struck, plan.length)],
  };
}

/** A session that was told in fewer frames ends before its cut; where half of them do, little was cut. */
export const tooFew = (struck: number, planned: number): readonly string[] =>
  struck < planned / 2 ? [`cuts: only ${struck} of ${planned} cuts struck: the sessions are not alike`] : [];
