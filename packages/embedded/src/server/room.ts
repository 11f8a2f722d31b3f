/** How many connections there is room for, and what each may have of it: what operators chose, and what suits the rest. */
import type { Log } from "@streamer/core";
import { descriptorLimit, reservedOf } from "./descriptors.ts";
import type { ConnectionLimits } from "./doors.ts";

export interface Room {
  /** Connections open at the same time. */
  readonly total: number;
  /** Sockets: a few more, for requests over HTTP and those that are being told why they were refused. */
  readonly sockets: number;
  readonly limits: Omit<ConnectionLimits, "reservedDescriptors">;
}

export interface RoomParts {
  readonly maxConnections: number | undefined;
  readonly limits: Partial<ConnectionLimits> | undefined;
  readonly log: Log;
  /** Default: the process's own. */
  readonly descriptors?: number | undefined;
}

const MAX_CONNECTIONS = 20_000;
const SPARE_SOCKETS = 512;
const PER_USER = 256;
const TENANT_SHARE = 1 / 2;
const ADDRESS_SHARE = 1 / 4;
const UNFINISHED_BYTES = 128 * 1_048_576;
const UNFINISHED_BYTES_PER_USER = 16 * 1_048_576;
const UNFINISHED_MS = 120_000;

/** Throws a TypeError that names the option when one is unknown or no number that it can be. */
export function resolveRoom({ maxConnections, limits = {}, log, descriptors = descriptorLimit() }: RoomParts): Room {
  check({ maxConnections }, ["maxConnections"]);
  check(limits, ["perTenant", "perUser", "perAddress", "reservedDescriptors", "unfinishedBytes", "unfinishedBytesPerUser", "unfinishedMs"]);
  const reserved = limits.reservedDescriptors ?? reservedOf(descriptors);
  const fitting = Math.max(1, (descriptors ?? Infinity) - reserved);
  const total = Math.min(maxConnections ?? MAX_CONNECTIONS, fitting);
  if (maxConnections !== undefined && maxConnections > fitting)
    log.warn(
      { max_connections: maxConnections, connections: total, open_files: descriptors },
      "fewer connections than asked for: the process may not open enough files; raise its limit (ulimit -n)",
    );
  const share = (part: number): number => Math.max(1, Math.floor(total * part));
  return {
    total,
    // Out of what is reserved: they come and go.
    sockets: total + Math.min(SPARE_SOCKETS, Math.ceil(reserved / 2)),
    limits: {
      perTenant: limits.perTenant ?? share(TENANT_SHARE),
      perUser: limits.perUser ?? PER_USER,
      perAddress: limits.perAddress ?? share(ADDRESS_SHARE),
      unfinishedBytes: limits.unfinishedBytes ?? UNFINISHED_BYTES,
      unfinishedBytesPerUser: limits.unfinishedBytesPerUser ?? UNFINISHED_BYTES_PER_USER,
      unfinishedMs: limits.unfinishedMs ?? UNFINISHED_MS,
    },
  };
}

function check(values: Readonly<Record<string, number | undefined>>, known: readonly string[]): void {
  for (const [name, value] of Object.entries(values)) {
    if (!known.includes(name)) throw new TypeError(`There is no option "connectionLimits.${name}"; known are ${known.join(", ")}.`);
    if (value === undefined) continue;
    const least = name === "reservedDescriptors" ? 0 : 1;
    if (typeof value !== "number" || !(value >= least)) throw new TypeError(`Option "${name}" must be a number of at least ${least}.`);
  }
}
