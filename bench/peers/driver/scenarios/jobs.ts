/** Durable jobs, each followed from its submission to its result: each connection keeps so many between the two. */
import { nowUs, passed } from "../../../clock.ts";
import type { JobData, JobKind } from "../../programs/jobs.ts";
import type { Connection } from "../connection.ts";
import { figuresOf, type Figures } from "../figures.ts";
import type { Taken } from "../measure.ts";
import { createSamples, type Samples } from "../samples.ts";
import type { Heard } from "../wire.ts";
import type { Stand } from "../stand.ts";

export interface Batch {
  readonly total: number;
  readonly inFlight: number;
  readonly kind: JobKind;
  readonly data: (id: number) => JobData;
  /** Given up on when nothing was heard for so long. */
  readonly stallMs?: number;
  /** Told before the batch counts what it hears. */
  readonly heard?: Partial<Heard>;
}

export interface BatchOutcome {
  readonly taken: Taken;
  readonly done: number;
  /** In microseconds. */
  readonly acknowledged: Samples;
  readonly completed: Samples;
  /** Jobs without a result or an acknowledgment, and repeated ones of both. */
  readonly astray: number;
}

const STALL_MS = 60_000;
const STALL_LOOK_MS = 500;
/** For what comes twice, and late. */
const LATE_MS = 300;

/** On the connections that are open. */
export async function runBatch(stand: Stand, batch: Batch): Promise<BatchOutcome> {
  const { total, inFlight, kind, data, stallMs = STALL_MS, heard = {} } = batch;
  const sentAt = new Float64Array(total);
  const acks = new Uint8Array(total);
  const results = new Uint8Array(total);
  const acknowledged = createSamples();
  const completed = createSamples();
  const all = Promise.withResolvers<void>();
  let next = 0;
  let done = 0;
  let heardAt = nowUs();

  const submit = (connection: Connection): void => {
    if (next >= total) return;
    const id = next;
    next += 1;
    sentAt[id] = nowUs();
    stand.submit(connection, id, kind, data(id));
  };
  const count = (counts: Uint8Array, samples: Samples, id: number, connection: Connection): void => {
    counts[id]! += 1;
    if (counts[id]! > 1) return;
    heardAt = nowUs();
    samples.add(heardAt - sentAt[id]!);
    if (!acks[id] || !results[id]) return;
    done += 1;
    if (done === total) all.resolve();
    submit(connection);
  };
  stand.on({
    ...heard,
    acknowledged(id, connection) {
      heard.acknowledged?.(id, connection);
      count(acks, acknowledged, id, connection);
    },
    result(id, connection) {
      heard.result?.(id, connection);
      count(results, completed, id, connection);
    },
  });
  const taken = await stand.measure(async () => {
    for (let n = 0; n < inFlight; n += 1) for (const connection of stand.connections) submit(connection);
    const look = setInterval(() => {
      if (nowUs() - heardAt > stallMs * 1_000) all.resolve();
    }, STALL_LOOK_MS);
    await all.promise;
    clearInterval(look);
  });
  await passed(LATE_MS);
  const astray = [...acks, ...results].filter((times) => times !== 1).length;
  return { taken, done, acknowledged, completed, astray };
}

export interface JobsTerms {
  readonly connections: number;
  readonly inFlight: number;
  readonly warmUp: number;
  readonly total: number;
  /** What a job brings. */
  readonly payloadBytes: number;
}

/** Jobs that do nothing. */
export async function jobs(stand: Stand, { connections, inFlight, warmUp, total, payloadBytes }: JobsTerms): Promise<Figures> {
  await stand.connect(connections);
  const pad = "x".repeat(payloadBytes);
  const batch: Batch = { total, inFlight, kind: "noop", data: () => ({ pad }) };
  await runBatch(stand, { ...batch, total: warmUp });
  const { taken, done, acknowledged, completed, astray } = await runBatch(stand, batch);
  return {
    ...figuresOf(taken, total),
    perSecond: done / (taken.wallMs / 1_000),
    ackP50Ms: acknowledged.percentile(0.5) / 1_000,
    ackP99Ms: acknowledged.percentile(0.99) / 1_000,
    resultP50Ms: completed.percentile(0.5) / 1_000,
    resultP99Ms: completed.percentile(0.99) / 1_000,
    astray,
  };
}
