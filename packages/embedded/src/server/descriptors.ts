/** How many sockets this process can have and still open files and start children: all of them are file descriptors. */

/** Kept for files, pipes and children, unless that were more than a quarter of what there is. */
const RESERVED = 1_024;
const MAX_SHARE_RESERVED = 0.25;

/** The process's own soft limit; undefined where there is none, or none is told. */
export function descriptorLimit(): number | undefined {
  const report: typeof process.report & { excludeNetwork?: boolean } = process.report;
  // A report names the peers of all sockets, which it may look up by DNS.
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { readonly userLimits?: { readonly open_files?: { readonly soft?: number | "unlimited" } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : undefined;
}

/** What is kept for everything else, where nobody said how much. */
export function reservedOf(limit: number | undefined): number {
  return Math.min(RESERVED, Math.floor((limit ?? Infinity) * MAX_SHARE_RESERVED));
}
