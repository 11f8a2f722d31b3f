/** What the jobs do: the same for everybody. */
import { appendFileSync } from "node:fs";
import { nowUs, passed } from "../../clock.ts";

export interface Update {
  readonly pct: number;
  /** When it was made, by `nowUs`. */
  readonly ts: number;
}
/** Of `pad`, nothing is used: it is what a job weighs. */
export interface JobData {
  readonly pad?: string;
  readonly steps?: number;
  readonly ms?: number;
  readonly n?: number;
}
export type JobKind = "noop" | "progress" | "sleep";

/** A line for each start and end of `sleep`: who ran what, whoever was killed. */
const LOG = process.env["BENCH_RUNS_LOG"];

function note(what: "start" | "end", { n }: JobData): void {
  if (LOG) appendFileSync(LOG, `${what} ${n} ${process.pid}\n`);
}

export const jobs: Readonly<Record<JobKind, (data: JobData, report: (update: Update) => unknown) => Promise<{ readonly ok: true }>>> = {
  async noop() {
    return { ok: true };
  },
  /** `steps` updates spread evenly over `ms`, each at its own moment however long those before it took. */
  async progress({ steps = 0, ms = 0 }, report) {
    const from = nowUs();
    for (let step = 1; step <= steps; step += 1) {
      const leftMs = (from + (step * ms * 1_000) / steps - nowUs()) / 1_000;
      if (leftMs > 0.5) await passed(leftMs);
      await report({ pct: Math.round((100 * step) / steps), ts: nowUs() });
    }
    return { ok: true };
  },
  async sleep(data) {
    note("start", data);
    await passed(data.ms ?? 0);
    note("end", data);
    return { ok: true };
  },
};
