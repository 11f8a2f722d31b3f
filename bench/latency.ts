/**
 * How old progress is when it reaches its subscriber, while many isolated runs are under way at once, and what another
 * user notices of them: the handlers stamp each report when it is made (handlers.ts). The floor stands beside it under the
 * same load: a process apart that says what time it is, passed on as it comes, and an echo.
 */
import type { JsonObject, ServerMessage } from "@streamer/protocol";
import { ratioOf } from "./beside-floor.ts";
import { preciseNow } from "./clock.ts";
import { percentiles, rounded } from "./figures.ts";
import { assertPlanned, openCallers, type Caller } from "./load.ts";
import type { Row } from "./record.ts";
import { startBenchServer, startFloorServer, type BenchServer, type ServerSettings } from "./server.ts";

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
  await using floorServer = await startFloorServer();
  await using server = await startBenchServer(settings);
  const floor = await watch(floorServer, () => {});
  let completed = 0;
  const allDone = Promise.withResolvers<void>();
  const streamer = await watch(server, () => {
    completed += 1;
    if (completed === requests.length) allDone.resolve();
  });

  await server.ask("reset");
  const started = performance.now();
  for (const [n, { action, payload }] of requests.entries()) streamer.ask(n, action, payload);
  floor.ask(0, "stamps", {});
  const probing = setInterval(() => {
    streamer.probe();
    floor.probe();
  }, PROBE_MS);
  await allDone.promise;
  const seconds = (performance.now() - started) / 1_000;
  clearInterval(probing);
  const { loopP99Ms, loopMaxMs } = await server.ask("figures");
  streamer.close();
  floor.close();

  const age = percentiles(streamer.ages);
  const both = { streamer, floor };
  return {
    ...described,
    seconds: rounded(seconds),
    updates: streamer.ages.length,
    frames: streamer.frames,
    progress_p50_ms: rounded(age.p50),
    progress_p99_ms: rounded(age.p99),
    floor_p99_ms: rounded(percentiles(floor.ages).p99),
    progress_p99_to_floor: ratioOf(both, ({ ages }) => percentiles(ages).p99),
    progress_max_ms: rounded(age.max),
    loop_p99_ms: rounded(loopP99Ms),
    loop_max_ms: rounded(loopMaxMs),
    echo_p99_ms: rounded(percentiles(streamer.echoes).p99),
    echo_p99_to_floor: ratioOf(both, ({ echoes }) => percentiles(echoes).p99),
  };
}

interface Watched {
  /** Ms from each report to its arrival. */
  readonly ages: number[];
  readonly echoes: number[];
  readonly frames: number;
  ask(n: number, action: string, payload: JsonObject): void;
  probe(): void;
  close(): void;
}

/** Ten connections that ask, and one of another user. */
async function watch(server: BenchServer, onComplete: () => void): Promise<Watched> {
  const ages: number[] = [];
  const echoes: number[] = [];
  const probeSentAt = new Map<string, number>();
  let frames = 0;
  const onMessage = (message: ServerMessage): void => {
    assertPlanned(message);
    const now = preciseNow();
    if (message.type === "response") echoes.push(now - probeSentAt.get(message.request_id)!);
    if (message.type === "progress") {
      frames += 1;
      ages.push(...madeAt(message).map((at) => now - at));
    }
    if (message.type === "complete") onComplete();
  };
  const [other, ...subscribers] = (await openCallers(server, 11, onMessage)) as [Caller, ...Caller[]];
  return {
    ages,
    echoes,
    get frames() {
      return frames;
    },
    ask: (n, action, payload) =>
      subscribers[n % subscribers.length]!.send({ type: "request", id: `r${n}`, action, payload, options: { mode: "async" } }),
    probe() {
      const id = `probe-${probeSentAt.size}`;
      probeSentAt.set(id, preciseNow());
      other.send({ type: "request", id, action: "echo", payload: null });
    },
    close() {
      for (const caller of [other, ...subscribers]) caller.close();
    },
  };
}

/** When each update of a message was made: of every one it carries, not only the newest. */
function madeAt({ metadata, updates }: ServerMessage<"progress">): readonly number[] {
  const stamps = updates ? updates.map((update) => update.metadata) : [metadata];
  return stamps.map((stamp: JsonObject | undefined) => stamp?.made_at).filter((at) => typeof at === "number");
}
