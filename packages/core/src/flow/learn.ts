/**
 * Estimates learned from recorded runs, by action and class of input size. What others have stored is read now and then,
 * what ran here counts at once, and is stored by the way: a write for every run would cost more than it teaches.
 */
import { asError } from "../errors.ts";
import type { Engine } from "../ports/engine.ts";
import { append, merged, noDurations, quantiles, record, type Durations, type Quantiles } from "../rules/durations.ts";

/** What other processes have learned is read again after this. */
const REFRESH_MS = 60_000;
/** At most one write a second for an action, however many runs end here. */
const SAVE_EVERY_MS = 1_000;
/** A run is stored with one chance in as many as an eighth of the runs known, at least in one of 16, and with it all before it. */
const SAVE_SHARE = 8;
const MOST_UNSAVED = 16;
/** Runs recorded before quantiles that are known are worked out again: for every job that was 7 % of its cost. */
const REFRESH_AFTER = 8;

export interface Estimates {
  /** Of runs with inputs of this size, else of the action's runs of any size; undefined while too few are recorded. */
  of(action: string, size: number): Promise<Quantiles | undefined>;
  /** The same as far as it is known without waiting for the store. With `aboveMs`, of runs that took longer. */
  known(action: string, size: number, aboveMs?: number): Quantiles | undefined;
  record(action: string, size: number, runMs: number): void;
  /** Stores what is not stored yet. */
  save(): Promise<void>;
  /** Resolves when nothing is being read or stored. */
  idle(): Promise<void>;
}

interface Entry {
  readonly durations: Durations;
  /** Of `durations` as they were up to REFRESH_AFTER runs ago. */
  current: { readonly quantiles: Quantiles | undefined; readonly until: number } | undefined;
}

interface Learned {
  sizes: Map<number, Entry>;
  /** Recorded here and not stored yet. */
  unsaved: Map<number, Durations>;
  all: Entry | undefined;
  readAt: number;
  reading: Promise<void> | undefined;
  savedAt: number;
  saving: Promise<void> | undefined;
}

export interface EstimatesParts {
  readonly engine: Pick<Engine, "runTimes" | "clock" | "log">;
  readonly random: () => number;
}

export function createEstimates({ engine: { runTimes, clock, log }, random }: EstimatesParts): Estimates {
  const actions = new Map<string, Learned>();

  function learned(action: string): Learned {
    let entry = actions.get(action);
    if (!entry) {
      entry = {
        sizes: new Map(),
        unsaved: new Map(),
        all: undefined,
        readAt: -Infinity,
        reading: undefined,
        savedAt: -Infinity,
        saving: undefined,
      };
      actions.set(action, entry);
    }
    if (!entry.reading && clock.monotonic() - entry.readAt >= REFRESH_MS) entry.reading = read(action, entry);
    return entry;
  }

  async function read(action: string, entry: Learned): Promise<void> {
    try {
      await entry.saving;
      const stored = await runTimes.of(action);
      entry.sizes = new Map(Array.from(stored, ([size, durations]) => [size, { durations, current: undefined }]));
      for (const [size, newer] of entry.unsaved) append(ofSize(entry, size).durations, newer);
      entry.all = undefined;
    } catch (error) {
      log.warn({ action, err: asError(error) }, "recorded run times could not be read; estimates go by what is known here");
    } finally {
      entry.readAt = clock.monotonic();
      entry.reading = undefined;
    }
  }

  async function write(action: string, entry: Learned): Promise<void> {
    const newer = entry.unsaved;
    entry.unsaved = new Map();
    try {
      await runTimes.add(action, newer);
    } catch (error) {
      log.warn({ action, err: asError(error) }, "run times could not be stored; estimates of other processes do without them");
    } finally {
      entry.savedAt = clock.monotonic();
      entry.saving = undefined;
    }
  }

  function look(entry: Learned, size: number, aboveMs: number): Quantiles | undefined {
    const same = entry.sizes.get(size);
    const bySize = same && quantilesOf(same, aboveMs);
    if (bySize) return bySize;
    entry.all ??= { durations: merged(Array.from(entry.sizes.values(), ({ durations }) => durations)), current: undefined };
    return quantilesOf(entry.all, aboveMs);
  }

  return {
    async of(action, size) {
      const entry = learned(action);
      if (entry.readAt === -Infinity) await entry.reading;
      return look(entry, size, 0);
    },
    known: (action, size, aboveMs = 0) => look(learned(action), size, aboveMs),
    record(action, size, runMs) {
      const entry = learned(action);
      const same = ofSize(entry, size);
      record(same.durations, runMs);
      if (same.durations.count >= (same.current?.until ?? 0)) same.current = entry.all = undefined;
      let unsaved = entry.unsaved.get(size);
      if (!unsaved) entry.unsaved.set(size, (unsaved = noDurations()));
      record(unsaved, runMs);
      // What is being read is neither with nor without a write under way.
      if (entry.saving || entry.reading || clock.monotonic() - entry.savedAt < SAVE_EVERY_MS) return;
      if (random() * Math.min(MOST_UNSAVED, same.durations.count / SAVE_SHARE) < 1) entry.saving = write(action, entry);
    },
    async save() {
      await Promise.all(
        Array.from(actions, async ([action, entry]) => {
          await entry.reading;
          await entry.saving;
          if (entry.unsaved.size > 0) await (entry.saving = write(action, entry));
        }),
      );
    },
    async idle() {
      await Promise.all(Array.from(actions.values(), async ({ reading, saving }) => Promise.all([reading, saving])));
    },
  };
}

function ofSize({ sizes }: Learned, size: number): Entry {
  let entry = sizes.get(size);
  if (!entry) sizes.set(size, (entry = { durations: noDurations(), current: undefined }));
  return entry;
}

function quantilesOf(entry: Entry, aboveMs: number): Quantiles | undefined {
  if (aboveMs > 0) return quantiles(entry.durations, aboveMs);
  if (!entry.current) {
    const known = quantiles(entry.durations);
    entry.current = { quantiles: known, until: entry.durations.count + (known ? REFRESH_AFTER : 1) };
  }
  return entry.current.quantiles;
}
