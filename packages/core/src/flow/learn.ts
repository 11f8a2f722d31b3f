/** Estimates learned from recorded runs: the newest run times of each action, read once and then kept up to date. */
import type { Requests } from "../ports/requests.ts";
import { quantiles, type Quantiles } from "../rules/estimates.ts";

/** Newest runs that an estimate looks at: enough for a 90th percentile, few enough to follow a change. */
const REMEMBERED_RUNS = 64;

export interface Estimates {
  /** Undefined while too few runs are recorded. */
  of(action: string): Promise<Quantiles | undefined>;
  /** As far as it is known without asking the store. */
  known(action: string): Quantiles | undefined;
  record(action: string, runMs: number): void;
}

interface Recorded {
  readonly runsMs: number[];
  quantiles: Quantiles | undefined;
}

export function createEstimates(requests: Pick<Requests, "recentRuns">): Estimates {
  const recorded = new Map<string, Promise<Recorded>>();
  const loaded = new Map<string, Recorded>();

  function load(action: string): Promise<Recorded> {
    let loading = recorded.get(action);
    if (!loading) {
      loading = requests.recentRuns(action, REMEMBERED_RUNS).then((newestFirst) => {
        const runsMs = newestFirst.toReversed();
        const entry = { runsMs, quantiles: quantiles(runsMs) };
        loaded.set(action, entry);
        return entry;
      });
      // A store that failed is asked again the next time.
      loading.catch(() => recorded.delete(action));
      recorded.set(action, loading);
    }
    return loading;
  }

  return {
    async of(action) {
      return (await load(action)).quantiles;
    },
    known: (action) => loaded.get(action)?.quantiles,
    record(action, runMs) {
      const entry = loaded.get(action);
      if (!entry) return;
      entry.runsMs.push(runMs);
      if (entry.runsMs.length > REMEMBERED_RUNS) entry.runsMs.shift();
      entry.quantiles = quantiles(entry.runsMs);
    },
  };
}
