/** Submits empty jobs as async requests and follows each to its end, at a fixed rate or as fast as they end. */
import type { ServerMessage } from "@streamer/protocol";
import { passed } from "./clock.ts";
import { assertPlanned, openCallers, type Caller } from "./load.ts";
import type { BenchServer } from "./server.ts";

export interface AsyncLoad {
  readonly connections: number;
  /** Jobs per second over all connections, sent on schedule whatever the answers; or jobs in flight per connection. */
  readonly pace: { readonly perSecond: number } | { readonly inFlight: number };
  /** Not measured. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface AsyncMeasured {
  /** Ms from the moment a job was due to be sent to its acknowledgment: a generator that lags does not hide it. */
  readonly acks: number[];
  /** Ms to `complete`. */
  readonly completes: number[];
  /** Jobs a second that ended within the measured time. */
  readonly perSecond: number;
  readonly cpuUsPerJob: number;
  readonly loopP99Ms: number;
}

const TICK_MS = 1;

export async function measureAsync(server: BenchServer, { connections, pace, warmUpMs, measureMs }: AsyncLoad): Promise<AsyncMeasured> {
  const dueAt = new Map<string, number>();
  const acks: number[] = [];
  const completes: number[] = [];
  let isMeasuring = false;
  let isSending = true;
  let sent = 0;
  const drained = Promise.withResolvers<void>();

  const submit = (caller: Caller, due: number): void => {
    sent += 1;
    const id = `${caller.index}-${sent}`;
    dueAt.set(id, due);
    caller.send({ type: "request", id, action: "noop", payload: {}, options: { mode: "async" } });
  };
  const onMessage = (message: ServerMessage, caller: Caller): void => {
    assertPlanned(message);
    if (message.type !== "acknowledgment" && message.type !== "complete") return;
    const now = performance.now();
    const ms = now - dueAt.get(message.request_id)!;
    if (isMeasuring) (message.type === "acknowledgment" ? acks : completes).push(ms);
    if (message.type === "acknowledgment") return;
    dueAt.delete(message.request_id);
    if (isSending && "inFlight" in pace) submit(caller, now);
    else if (!isSending && dueAt.size === 0) drained.resolve();
  };

  const callers = await openCallers(server, connections, onMessage);
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  if ("inFlight" in pace) {
    for (const caller of callers) for (let n = 0; n < pace.inFlight; n += 1) submit(caller, performance.now());
  } else {
    timer = setInterval(() => {
      const due = ((performance.now() - started) / 1_000) * pace.perSecond;
      while (sent < due) submit(callers[sent % callers.length]!, started + (1_000 * sent) / pace.perSecond);
    }, TICK_MS);
  }

  await passed(warmUpMs);
  await server.ask("reset");
  isMeasuring = true;
  const from = performance.now();
  await passed(measureMs);
  isMeasuring = false;
  const seconds = (performance.now() - from) / 1_000;
  const { cpuMs, loopP99Ms } = await server.ask("figures");
  isSending = false;
  clearInterval(timer);
  if (dueAt.size > 0) await drained.promise;
  for (const caller of callers) caller.close();
  return { acks, completes, perSecond: completes.length / seconds, cpuUsPerJob: (1_000 * cpuMs) / completes.length, loopP99Ms };
}
