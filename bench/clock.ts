/** Time that all processes of one machine agree on, and waiting. */

/** Microseconds of CLOCK_MONOTONIC. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}

/** Epoch ms with fractions; the same in every process of a machine, to within its clock's correction. */
export const preciseNow = (): number => performance.timeOrigin + performance.now();

export const passed = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
