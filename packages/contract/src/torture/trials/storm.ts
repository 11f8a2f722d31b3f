/** Every client has a request under way when all are cut off in one moment, and all of them come back. */
import { ask, openAsker, quantile, settled, tally, within, type TrialOutcome, type TrialTarget, type TrialTerms } from "./trial.ts";

export const STORM_P99_MS = 15_000;

export async function storm(
  target: TrialTarget,
  { clients, random, signal }: TrialTerms & { readonly clients: number },
): Promise<TrialOutcome> {
  const askers = await Promise.all(
    Array.from({ length: clients }, () => openAsker(target, "torture-storm", { random, baseMs: 250, capMs: 15_000 })),
  );
  await settled(
    askers.map(({ ready }) => ready),
    within(signal, 60_000),
  );
  const asked = askers.map((asker) => asker.request(ask(target)));
  // The first that ends shows that the others are under way.
  await Promise.race([...asked, settled([], within(signal, 60_000))]);
  const cutAt = performance.now();
  for (const asker of askers) asker.cut();
  const back = askers.map((_, n) => asked[n]!.then(() => performance.now() - cutAt));
  const endings = await settled(asked, within(signal, 120_000));
  const times = (await settled(back, within(signal, 1_000))).filter((ms) => ms !== undefined);
  for (const asker of askers) asker.close();
  const { row, broken } = tally("storm", target, { askers, endings });
  const backMs = Math.round(quantile(times, 0.99));
  return {
    rows: [{ ...row, clients, back_p99_ms: backMs }],
    broken: backMs < STORM_P99_MS ? broken : [...broken, `storm: p99 until each had its end is ${backMs} ms; ${STORM_P99_MS} are allowed`],
  };
}
