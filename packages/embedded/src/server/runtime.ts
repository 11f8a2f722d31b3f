/**
 * What this process runs on, refused where it is known to be unsafe: it would serve for months before anybody looked.
 * docs/security.md has the same table.
 */
import { StreamerError } from "@streamer/core";

export interface MinimumVersion {
  readonly name: "node" | "sqlite" | "undici";
  /** The first of each line that is safe, oldest line first: 22.23.0 says nothing of 24. Lines between them are not looked after by anybody. */
  readonly minimum: readonly [string, ...string[]];
  readonly why: string;
}

export const MINIMUM_VERSIONS: readonly MinimumVersion[] = [
  {
    name: "node",
    minimum: ["22.22.0", "24.13.0"],
    why: "deep recursion could end the process past every handler of errors (CVE-2025-59466), and HTTP/2 and TLS could crash or fill it",
  },
  {
    name: "sqlite",
    minimum: ["3.51.3"],
    why: "a checkpoint at the moment the log begins anew could damage a database in WAL mode (the WAL-reset bug)",
  },
  {
    name: "undici",
    minimum: ["6.23.0", "7.18.0"],
    why: "an answer to fetch could be unpacked without end (CVE-2026-22036): key sets are fetched",
  },
];

/** Throws SERVICE_UNAVAILABLE with what is too old, why it matters and what to do. */
export function refuseOldRuntime(versions: Readonly<Record<string, string | undefined>> = process.versions): void {
  const old = MINIMUM_VERSIONS.filter(({ name, minimum }) => !isSafe(versions[name] ?? "0", minimum));
  if (old.length === 0) return;
  const problems = old.map(
    ({ name, minimum, why }) => `${name} ${versions[name] ?? "(absent)"} is older than ${minimum.join(" or ")}: ${why}`,
  );
  throw new StreamerError(
    "SERVICE_UNAVAILABLE",
    `This server does not start on what it runs on. ${problems.join("; ")}. Install the newest Node 22 or 24.`,
  );
}

function isSafe(version: string, minimum: MinimumVersion["minimum"]): boolean {
  const ofItsLine = minimum.find((least) => majorOf(least) === majorOf(version));
  if (ofItsLine !== undefined) return !isOlder(version, ofItsLine);
  return majorOf(version) > majorOf(minimum.at(-1)!);
}

const majorOf = (version: string): number => Number.parseInt(version, 10);

function isOlder(version: string, minimum: string): boolean {
  const [given, least] = [version, minimum].map((text) => text.split(/[-+]/)[0]!.split(".").map(Number));
  const at = least!.findIndex((part, index) => (given![index] ?? 0) !== part);
  return at !== -1 && (given![at] ?? 0) < least![at]!;
}
