/** What a scenario answers with: numbers by name. */
import type { Taken } from "./measure.ts";

export type Figures = Readonly<Record<string, number>>;

/** `count`: of requests, jobs or updates. */
export const figuresOf = ({ peerCpuMs, driverPercent, othersPercent }: Taken, count: number): Figures => ({
  peerCpuUs: (1_000 * peerCpuMs) / count,
  driverPercent,
  othersPercent,
});
