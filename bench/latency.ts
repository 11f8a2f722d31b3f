/**
 * How old progress is when it reaches its subscriber, while many isolated runs are under way at once, and what another
 * user notices of them: the handlers stamp each report when it is made (handlers.ts).
 */
import type { JsonObject, ServerMessage } from "@streamer/protocol";
import { percentiles, rounded } from "./figures.ts";
import { preciseNow } from "./handlers.ts";
import { assertPlanned, openPeers } from "./load.ts";
import type { Row } from "./record.ts";
import { startBenchServer, type ServerSettings } from "./server.ts";

/** How often another user sends an echo meanwhile. */
export const PROBE_MS = 20;

export interface AskedRun {
  readonly action: string;
  readonly payload: JsonObject;
}

/** All requests are sent at once, over ten connections. */
export async function measureLatency(
  settings: Partial<Omit<ServerSettings, "dataFolder">>,
  requests: readonly AskedRun[],
  described: Row,
): Promise<Row> {
  await using server = await startBenchServer(settings);
  const ages: number[] = [];
  const probes: number[] = [];
  const probeSentAt = new Map<string, number>();
  let frames = 0;
  let completed = 0;
  const allDone = Promise.withResolvers<void>();

  const onMessage = (message: ServerMessage): void => {
    assertPlanned(message);
    const now = preciseNow();
    if (message.type === "response") probes.push(now - probeSentAt.get(message.request_id)!);
    if (message.type === "progress") {
      frames += 1;
      ages.push(...madeAt(message).map((at) => now - at));
    }
    if (message.type === "complete" && (completed += 1) === requests.length) allDone.resolve();
  };
  const [other, ...subscribers] = await openPeers(server, 11, onMessage);

  await server.ask("reset");
  const started = performance.now();
  for (const [n, { action, payload }] of requests.entries())
    subscribers[n % subscribers.length]!.send({ type: "request", id: `r${n}`, action, payload, options: { mode: "async" } });
  const probing = setInterval(() => {
    const id = `probe-${probeSentAt.size}`;
    probeSentAt.set(id, preciseNow());
    other!.send({ type: "request", id, action: "echo", payload: null });
  }, PROBE_MS);
  await allDone.promise;
  const seconds = (performance.now() - started) / 1_000;
  clearInterval(probing);
  const { loopP99Ms, loopMaxMs } = await server.ask("figures");
  for (const peer of [other!, ...subscribers]) peer.close();

  const age = percentiles(ages);
  const updates = ages.length;
  return {
    ...described,
    seconds: rounded(seconds),
    updates,
    frames,
    progress_p50_ms: rounded(age.p50),
    progress_p99_ms: rounded(age.p99),
    progress_max_ms: rounded(age.max),
    loop_p99_ms: rounded(loopP99Ms),
    loop_max_ms: rounded(loopMaxMs),
    echo_p99_ms: rounded(percentiles(probes).p99),
  };
}

/** When each update of a message was made: of every one it carries, not only the newest. */
function madeAt({ metadata, updates }: ServerMessage<"progress">): readonly number[] {
  const stamps = updates ? updates.map((update) => update.metadata) : [metadata];
  return stamps.map((stamp: JsonObject | undefined) => stamp?.made_at).filter((at) => typeof at === "number");
}
