/**
 * Estimates learned from recorded runs. Which runs speak for which, rules/run-series.ts says: where a handler computes an
 * estimate from its input, that estimate is the word, and learned is by how much it is off. What others have stored is
 * read now and then, what ran here counts at once, and is stored by the way: a write for every run would cost more than
 * it teaches.
 */
import { asError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { Engine } from "../ports/engine.ts";
import type { RunSeries } from "../ports/run-times.ts";
import { courseOf, lateness, partsOf, type Course, type TimeSpent } from "../rules/course.ts";
import {
  append,
  binOf,
  merged,
  noDurations,
  quantiles,
  recordBin,
  recordParts,
  type Durations,
  type Quantiles,
} from "../rules/durations.ts";
import { asDeclared } from "../rules/estimates.ts";
import {
  asCalibration,
  asLateness,
  asRatio,
  calibrationOf,
  courseSeries,
  fromLateness,
  fromRatios,
  lateSeries,
  ratioSeries,
  sizeSeries,
  type Calibration,
  type RunKind,
} from "../rules/run-series.ts";

/** What other processes have learned is read again after this. */
const REFRESH_MS = 60_000;
/** At most one write a second for an action, however many runs end here. */
const SAVE_EVERY_MS = 1_000;
/** A run is stored with one chance in as many as an eighth of the runs known, at least in one of 16, and with it all before it. */
const SAVE_SHARE = 8;
const MOST_UNSAVED = 16;
/** Quantiles that are known are worked out again after so many more runs, or once they are so old: for every job that was 7 % of its cost. */
const REFRESH_AFTER = { runs: 8, ofRuns: 1 / 16, mostRuns: 256, ms: 1_000 };

/** A run that has begun, and what was known of its kind at that moment. */
export interface BegunRun extends RunKind {
  readonly toldP90Ms?: number;
}

/** What is known of how runs of a kind go on. */
export interface KnownPace {
  readonly course?: Course;
  /** How many times later than their pace said nine in ten of them were. */
  readonly lateBy?: number;
}

/** How a run went: from beginning to end, and where that time went, by which course it told of it, unless it reported nothing. */
interface RunTime {
  readonly runMs: number;
  readonly spent: TimeSpent | undefined;
  readonly course?: Course | undefined;
}

export interface Estimates {
  /**
   * How long a run of this kind should take: by recorded runs, else as declared. Undefined when nothing is declared and
   * too few runs are recorded. Waits for what is stored when nothing of the action has been read yet.
   */
  of(kind: RunKind): Promise<Quantiles | undefined>;
  /** The same as far as it is known without waiting for the store. With `aboveMs`, of runs that took longer. */
  known(kind: RunKind, aboveMs?: number): Quantiles | undefined;
  /** Call when a run begins, and `record` with what it answers when the run has completed. */
  begin(kind: RunKind): BegunRun;
  /** By what a run of this kind can tell how far it is. */
  pace(kind: RunKind): KnownPace;
  /** Without `toldP90Ms` it does not count for the calibration. */
  record(run: BegunRun, time: RunTime): void;
  /** Which of the newest runs of an action ended within what was told of them; undefined while none did. */
  calibration(action: string): Promise<Calibration | undefined>;
  /** Stores what is not stored yet. */
  save(): Promise<void>;
  /** Resolves when nothing is being read or stored. */
  idle(): Promise<void>;
}

interface Entry {
  readonly durations: Durations;
  /** Of `durations` as they were up to REFRESH_AFTER ago: until so many runs, or until then (monotonic ms). */
  current: { readonly quantiles: Quantiles | undefined; readonly untilRuns: number; readonly until: number } | undefined;
}

/** `size_3` is one of the family `size_`. */
type Family = "size_" | "ratio_" | "course_" | "late_";

interface Learned {
  series: Map<RunSeries, Entry>;
  /** Recorded here and not stored yet. */
  unsaved: Map<RunSeries, Durations>;
  /** The series of a family together, for a kind of which too little is recorded. */
  readonly families: Map<Family, Entry>;
  readAt: number;
  reading: Promise<void> | undefined;
  savedAt: number;
  saving: Promise<void> | undefined;
}

export interface EstimatesParts {
  readonly engine: Pick<Engine, "runTimes" | "clock" | "log">;
  readonly handlers: ReadonlyMap<string, Pick<AnyHandler, "estimate">>;
  readonly random: () => number;
}

export function createEstimates({ engine: { runTimes, clock, log }, handlers, random }: EstimatesParts): Estimates {
  const actions = new Map<string, Learned>();
  /** A constant says nothing of one input among others: runs of its size do. */
  const isByInput = (action: string): boolean => typeof handlers.get(action)?.estimate === "function";

  function learned(action: string): Learned {
    let entry = actions.get(action);
    if (!entry) {
      entry = {
        series: new Map(),
        unsaved: new Map(),
        families: new Map(),
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
      entry.series = new Map(Array.from(stored, ([name, durations]) => [name, { durations, current: undefined }]));
      for (const [name, newer] of entry.unsaved) append(ofSeries(entry, name).durations, newer);
      entry.families.clear();
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

  function quantilesOf(entry: Entry, above: number): Quantiles | undefined {
    const { durations } = entry;
    if (above > 0) return quantiles(durations, above);
    if (!entry.current) {
      const known = quantiles(durations);
      const { runs, ofRuns, mostRuns, ms } = REFRESH_AFTER;
      const more = known ? Math.min(mostRuns, Math.max(runs, durations.count * ofRuns)) : 1;
      entry.current = { quantiles: known, untilRuns: durations.count + more, until: clock.monotonic() + ms };
    }
    return entry.current.quantiles;
  }

  function look(entry: Learned, name: RunSeries, family: Family, above: number): Quantiles | undefined {
    const same = entry.series.get(name);
    return (same && quantilesOf(same, above)) ?? quantilesOf(familyOf(entry, family), above);
  }

  function lookCourse(entry: Learned, name: RunSeries): Course | undefined {
    const same = entry.series.get(name);
    return (same && courseOf(same.durations)) ?? courseOf(familyOf(entry, "course_").durations);
  }

  function expected(entry: Learned, { action, size, declaredMs }: RunKind, aboveMs: number): Quantiles | undefined {
    if (declaredMs === undefined || !isByInput(action)) {
      return look(entry, sizeSeries(size), "size_", aboveMs) ?? asDeclared(declaredMs, aboveMs);
    }
    const ratios = look(entry, ratioSeries(declaredMs), "ratio_", aboveMs > 0 ? asRatio(aboveMs, declaredMs) : 0);
    return ratios ? fromRatios(ratios, declaredMs) : asDeclared(declaredMs, aboveMs);
  }

  const known: Estimates["known"] = (kind, aboveMs = 0) => expected(learned(kind.action), kind, aboveMs);

  async function loaded(action: string): Promise<Learned> {
    const entry = learned(action);
    if (entry.readAt === -Infinity) await entry.reading;
    return entry;
  }

  /** Into what counts here at once, and into what is stored later. */
  function add(entry: Learned, name: RunSeries, put: (durations: Durations) => void): Durations {
    const same = ofSeries(entry, name);
    put(same.durations);
    let unsaved = entry.unsaved.get(name);
    if (!unsaved) entry.unsaved.set(name, (unsaved = noDurations()));
    put(unsaved);
    if (!same.current || same.durations.count >= same.current.untilRuns || clock.monotonic() >= same.current.until) {
      same.current = undefined;
      for (const family of entry.families.keys()) if (name.startsWith(family)) entry.families.delete(family);
    }
    return same.durations;
  }
  const addTime = (entry: Learned, name: RunSeries, time: number): Durations => {
    const bin = binOf(time);
    return add(entry, name, (durations) => recordBin(durations, bin));
  };

  function addCourse(entry: Learned, kind: RunKind, course: Course | undefined, spent: TimeSpent): void {
    const parts = partsOf(spent);
    if (parts === undefined) return;
    add(entry, courseSeries(kind, isByInput(kind.action)), (durations) => recordParts(durations, parts));
    // How late one was that went by what it reported says nothing of those that go by a course.
    if (course) addTime(entry, lateSeries(kind, isByInput(kind.action)), asLateness(lateness(spent, course)));
  }

  return {
    of: async (kind) => expected(await loaded(kind.action), kind, 0),
    known,
    begin(kind) {
      const { action, size, declaredMs } = kind;
      const told = expected(learned(action), kind, 0);
      return told ? { action, size, declaredMs, toldP90Ms: told.p90Ms } : kind;
    },
    pace(kind) {
      const entry = learned(kind.action);
      const course = lookCourse(entry, courseSeries(kind, isByInput(kind.action)));
      const late = course && look(entry, lateSeries(kind, isByInput(kind.action)), "late_", 0);
      return { ...(course && { course }), ...(late && { lateBy: fromLateness(late.p90Ms) }) };
    },
    record(begun, { runMs, spent, course }) {
      const { action, size, declaredMs, toldP90Ms } = begun;
      const entry = learned(action);
      // Of runs by a computed estimate, too: what tells waiting requests knows their size alone.
      const { count } = addTime(entry, sizeSeries(size), runMs);
      if (declaredMs !== undefined && isByInput(action)) {
        addTime(entry, ratioSeries(declaredMs), asRatio(runMs, declaredMs));
      }
      if (spent) addCourse(entry, begun, course, spent);
      if (toldP90Ms !== undefined) addTime(entry, "within_p90", asCalibration(runMs <= toldP90Ms));
      // What is being read is neither with nor without a write under way.
      if (entry.saving || entry.reading || clock.monotonic() - entry.savedAt < SAVE_EVERY_MS) return;
      if (random() * Math.min(MOST_UNSAVED, count / SAVE_SHARE) < 1) entry.saving = write(action, entry);
    },
    calibration: async (action) => calibrationOf((await loaded(action)).series.get("within_p90")?.durations),
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

function ofSeries({ series }: Learned, name: RunSeries): Entry {
  let entry = series.get(name);
  if (!entry) series.set(name, (entry = { durations: noDurations(), current: undefined }));
  return entry;
}

/** The series of a family together. */
function familyOf({ series, families }: Learned, family: Family): Entry {
  let all = families.get(family);
  if (!all) {
    const several = Array.from(series, ([other, { durations }]) => (other.startsWith(family) ? [durations] : [])).flat();
    families.set(family, (all = { durations: merged(several), current: undefined }));
  }
  return all;
}
