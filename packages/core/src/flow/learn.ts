/** Estimates learned from recorded runs: the newest run times of each action, read once and then kept up to date. */
import type { Requests } from "../ports/requests.ts";
import { quantiles, type Quantiles } from "../rules/estimates.ts";

/** Newest runs that an estimate looks at: enough for a 90th percentile, few enough to follow a change. */
const REMEMBERED_RUNS = 64;
/** Runs recorded before quantiles that are known are worked out again. */
const REFRESH_AFTER = 8;

export interface Estimates {
  /** Undefined while too few runs are recorded. */
  of(action: string): Promise<Quantiles | undefined>;
  /** As far as it is known without asking the store. */
  known(action: string): Quantiles | undefined;
  record(action: string, runMs: number): void;
}

interface Recorded {
  readonly runsMs: number[];
  /** Of `runsMs` as they were up to REFRESH_AFTER runs ago: sorting them for every job was 7 % of its cost. */
  current: { readonly quantiles: Quantiles | undefined } | undefined;
  recordedSince: number;
}

export function createEstimates(requests: Pick<Requests, "recentRuns">): Estimates {
  const recorded = new Map<string, Promise<Recorded>>();
  const loaded = new Map<string, Recorded>();

  function load(action: string): Promise<Recorded> {
    let loading = recorded.get(action);
    if (!loading) {
      loading = requests.recentRuns(action, REMEMBERED_RUNS).then((newestFirst) => {
        const entry: Recorded = { runsMs: newestFirst.toReversed(), current: undefined, recordedSince: 0 };
        loaded.set(action, entry);
        return entry;
      });
      // A store that failed is asked again the next time.
      loading.catch(() => recorded.delete(action));
      recorded.set(action, loading);
    }
    return loading;
  }

  function read(entry: Recorded | undefined): Quantiles | undefined {
    if (!entry) return undefined;
    return (entry.current ??= { quantiles: quantiles(entry.runsMs) }).quantiles;
  }

  return {
    async of(action) {
      return read(await load(action));
    },
    known: (action) => read(loaded.get(action)),
    record(action, runMs) {
      const entry = loaded.get(action);
      if (!entry) return;
      entry.runsMs.push(runMs);
      if (entry.runsMs.length > REMEMBERED_RUNS) entry.runsMs.shift();
      entry.recordedSince += 1;
      if (entry.recordedSince < REFRESH_AFTER && entry.current?.quantiles) return;
      entry.current = undefined;
      entry.recordedSince = 0;
    },
  };
}
