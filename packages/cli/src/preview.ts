/** What a filter matches, before anything happens to it: how many, of what, and the first of them. Pure. */
import type { RequestInfo } from "@streamer/client";

export interface Preview {
  readonly count: number;
  readonly by_action: Readonly<Record<string, number>>;
  readonly by_error: Readonly<Record<string, number>>;
  /** When the oldest and the newest were made, in epoch ms. */
  readonly oldest?: number;
  readonly newest?: number;
  readonly request_ids: readonly string[];
}

const FIRST = 5;

/** Of requests as `list` has them, newest first. */
export function previewOf(requests: readonly RequestInfo[]): Preview {
  return {
    count: requests.length,
    by_action: countBy(requests, ({ action }) => action),
    by_error: countBy(requests, ({ error }) => error?.code ?? "none"),
    ...(requests.length > 0 && { oldest: requests.at(-1)!.createdAt.getTime(), newest: requests[0]!.createdAt.getTime() }),
    request_ids: requests.map(({ id }) => id),
  };
}

/** The most frequent first. */
function countBy(requests: readonly RequestInfo[], key: (request: RequestInfo) => string): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const request of requests) counts.set(key(request), (counts.get(key(request)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

export function previewLines({ count, by_action, by_error, oldest, newest, request_ids }: Preview): readonly string[] {
  if (count === 0) return ["No FAILED request matches."];
  const counts = (by: Readonly<Record<string, number>>): string =>
    Object.entries(by)
      .map(([name, times]) => `${name} ${times}`)
      .join(", ");
  const time = (epochMs: number | undefined): string => new Date(epochMs!).toISOString();
  return [
    `${count} FAILED ${count === 1 ? "request matches" : "requests match"}:`,
    `  actions  ${counts(by_action)}`,
    `  errors   ${counts(by_error)}`,
    `  made     ${time(oldest)} to ${time(newest)}`,
    `  newest   ${request_ids.slice(0, FIRST).join(", ")}${count > FIRST ? ", …" : ""}`,
  ];
}
