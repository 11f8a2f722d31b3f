/** What every trial is given and answers with: a server by its address, and what its clients made of it. */
import { createAsker, type Asker, type AskerOptions, type Ending, type RequestFrame } from "../asker.ts";
import { FAULTS, judge, type Fault, type Finding } from "../verdict.ts";

export interface TrialTarget {
  readonly url: string;
  /** A token the server accepts, for a user. */
  token(user: string): Promise<string>;
  /** What is asked for: something that ends by itself. */
  readonly action: string;
  readonly payload: NonNullable<RequestFrame["payload"]>;
  /** Behind an API gateway: §6.1. */
  readonly mayRepeat?: boolean;
}

export interface TrialTerms {
  readonly random: () => number;
  readonly signal: AbortSignal;
  tell(text: string): void;
}

export type TrialRow = Readonly<Record<string, string | number>>;

export interface TrialOutcome {
  readonly rows: readonly TrialRow[];
  /** Promises that were broken, each with the id it was broken to. */
  readonly broken: readonly string[];
}

let asked = 0;
const run = Math.trunc(Date.now()).toString(36);
/** An id that nobody has used. All are of one length: a session has the same bytes each time. */
export const freshId = (): string => `torture-${run}-${String((asked += 1)).padStart(8, "0")}`;

/** Queued, so that it is acknowledged first. */
export const ask = ({ action, payload }: TrialTarget, options: RequestFrame["options"] = { mode: "async" }): RequestFrame => ({
  type: "request",
  id: freshId(),
  action,
  payload,
  ...(options && { options }),
});

export async function openAsker(target: TrialTarget, user: string, more: Partial<AskerOptions> = {}): Promise<Asker> {
  return createAsker({ url: target.url, token: await target.token(user), ...more });
}

export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
};

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Waits for all, but no longer than until `signal` aborts: what has not come then is undefined. */
export async function settled<T>(all: readonly Promise<T>[], signal: AbortSignal): Promise<readonly (T | undefined)[]> {
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const values = await Promise.all(all.map((one) => Promise.race([one, stopped.promise])));
  signal.removeEventListener("abort", stop);
  return values;
}

/** Until `signal` aborts, and at most so long. */
export const within = (signal: AbortSignal, ms: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)]);

export interface Heard {
  readonly askers: readonly Asker[];
  readonly endings: readonly (Ending | undefined)[];
}

/** The row that every trial has: what was lost, twice, or out of order, and how long its ends took. */
export function tally(
  name: string,
  target: TrialTarget,
  { askers, endings }: Heard,
): { readonly row: TrialRow; readonly broken: readonly string[] } {
  const findings = askers.flatMap(({ tape }): readonly Finding[] => judge(tape, { mayRepeat: target.mayRepeat ?? false, isSteady: true }));
  const count = (fault: Fault): number => findings.filter((one) => one.fault === fault).length;
  const ended = endings.filter((ending) => ending !== undefined);
  const times = ended.filter(({ how }) => how !== "refused").map(({ ms }) => ms);
  const ms = (share: number): number => Math.round(quantile(times, share));
  const never = endings.length - ended.length;
  return {
    row: {
      trial: name,
      requests: endings.length,
      refused: ended.filter(({ how }) => how === "refused").length,
      connections: askers.reduce((sum, { connections }) => sum + connections, 0),
      ...Object.fromEntries(FAULTS.map((fault) => [fault, count(fault)])),
      p50_ms: times.length > 0 ? ms(0.5) : 0,
      p99_ms: times.length > 0 ? ms(0.99) : 0,
    },
    broken: [
      ...findings.map(({ fault, id, text }) => `${name}: ${fault}: ${id}: ${text}`),
      ...(never > 0 ? [`${name}: ${never} requests had no end when the time was up`] : []),
    ],
  };
}
