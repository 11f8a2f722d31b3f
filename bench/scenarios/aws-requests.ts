/**
 * What does one request cost on AWS, in reads, writes, invocations and pushes, and how long does it take? The deployed
 * bundles run on the local AWS: counts are those of AWS, times are those of this machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startAwsLocal, synthesize, type AwsLocal } from "@streamer/aws-local";
import { setTimeout } from "node:timers/promises";
import { percentiles, rounded } from "../figures.ts";
import { assertPlanned, openCallers, type Caller } from "../load.ts";
import type { Row, Scenario } from "../record.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

interface Shape {
  readonly name: string;
  readonly action: string;
  readonly payload: object;
  readonly options?: object;
  readonly count: number;
  readonly atOnce: number;
}
const SHAPES: readonly Shape[] = [
  { name: "answered at once", action: "contract.echo", payload: { text: "x" }, count: 100, atOnce: 1 },
  { name: "queued, no progress", action: "contract.echo", payload: { text: "x" }, options: { mode: "async" }, count: 100, atOnce: 1 },
  { name: "queued, 50 updates", action: "contract.chatter", payload: {}, count: 100, atOnce: 1 },
  { name: "queued, 40 partials with progress", action: "contract.story", payload: {}, count: 50, atOnce: 1 },
  { name: "200 at once, 50 updates each", action: "contract.chatter", payload: {}, count: 200, atOnce: 200 },
];

/** Frames on their way at once: more would need more instances of the message function than this machine has room for. */
const MAX_UNANSWERED = 8;
const INSTANCES = 24;

export const awsRequests: Scenario = {
  name: "aws-requests",
  question: "What does a request cost on AWS, and what does the way through the functions add?",
  async run(quick) {
    const outFolder = await mkdtemp(join(tmpdir(), "streamer-bench-aws-"));
    const handlers = path("../../tools/aws-local/test/fixture/wire-handlers.ts");
    await synthesize({ app: path("../../apps/infra"), outFolder, context: { handlers, workConcurrency: String(INSTANCES) } });
    const aws = await startAwsLocal({ assembly: outFolder, dials: { lambda: { instances: INSTANCES } } });
    try {
      const rows: Row[] = [];
      for (const shape of SHAPES) rows.push(await measure(aws, quick ? { ...shape, count: Math.min(10, shape.count) } : shape));
      return { settings: { dynamodb: "dynoxide", instances: INSTANCES, cold_start_ms: coldStarts(aws) }, rows };
    } finally {
      await aws.stop();
      await rm(outFolder, { recursive: true });
    }
  },
};

async function measure(aws: AwsLocal, { name, action, payload, options, count, atOnce }: Shape): Promise<Row> {
  const token = await aws.token({ userId: "bench" });
  const sentAt = new Map<string, number>();
  const acks: number[] = [];
  const ends: number[] = [];
  let pushes = 0;
  let left = count;
  const done = Promise.withResolvers<void>();
  const [caller] = (await openCallers({ url: aws.url, token }, 1, (message) => {
    pushes += 1;
    if (!("request_id" in message) || message.request_id === undefined) return;
    const waitedMs = performance.now() - (sentAt.get(message.request_id) ?? Number.NaN);
    // A frame that the gateway lost would be waited for in vain: nobody here sends again.
    if (message.type === undefined) done.reject(new Error(`The gateway lost a frame: ${JSON.stringify(message)}`));
    assertPlanned(message);
    if (message.type === "acknowledgment") acks.push(waitedMs);
    if (message.type === "acknowledgment" || message.type === "response") unanswered -= 1;
    if (message.type === "complete" || message.type === "response") {
      ends.push(waitedMs);
      left -= 1;
    }
    if (left === 0) done.resolve();
    else next();
  })) as [Caller];
  let number = 0;
  let unanswered = 0;
  const send = (id: string): void => {
    sentAt.set(id, performance.now());
    caller.send({ type: "request", id, action, payload, ...(options && { options }) });
  };
  const next = (): void => {
    while (number < count && number - (count - left) < atOnce && unanswered < MAX_UNANSWERED) {
      unanswered += 1;
      send(`${name}-${(number += 1)}`);
    }
  };
  const before = usage(aws);
  next();
  await done.promise;
  await quiet(aws);
  const after = usage(aws);
  caller.close();
  const perRequest = (figure: keyof typeof before): number => rounded((after[figure] - before[figure]) / count);
  return {
    request: name,
    requests: count,
    read_units: perRequest("readUnits"),
    write_units: perRequest("writeUnits"),
    invocations: perRequest("invocations"),
    billed_ms_message: perRequest("messageMs"),
    billed_ms_work: perRequest("workMs"),
    pushes: rounded(pushes / count),
    ack_p50_ms: acks.length > 0 ? rounded(percentiles(acks).p50) : "",
    ack_p99_ms: acks.length > 0 ? rounded(percentiles(acks).p99) : "",
    end_p50_ms: rounded(percentiles(ends).p50),
    end_p99_ms: rounded(percentiles(ends).p99),
  };
}

/** Functions hand over after their last push. */
async function quiet(aws: AwsLocal): Promise<void> {
  for (let seen = ""; ;) {
    await setTimeout(500);
    const now = JSON.stringify(usage(aws));
    if (now === seen) return;
    seen = now;
  }
}

function usage(aws: AwsLocal) {
  const operations = Object.values(aws.dynamodb()).flatMap((table) => Object.entries(table));
  const units = (isRead: boolean): number =>
    operations.reduce((sum, [name, { capacityUnits }]) => sum + (/^(Get|BatchGet|Query)/.test(name) === isRead ? capacityUnits : 0), 0);
  const functions = Object.entries(aws.functions());
  const billed = (of: string): number => functions.reduce((sum, [name, { billedMs }]) => sum + (name.startsWith(of) ? billedMs : 0), 0);
  return {
    readUnits: units(true),
    writeUnits: units(false),
    invocations: functions.reduce((sum, [, { invocations }]) => sum + invocations, 0),
    messageMs: billed("message"),
    workMs: billed("work"),
  };
}

/** From the start of the process until the function can be called, in ms: of each function's first, before the machine was busy. */
function coldStarts(aws: AwsLocal) {
  return Object.fromEntries(
    Object.entries(aws.functions()).flatMap(
      ([
        name,
        {
          initMs: [first],
        },
      ]) => (first === undefined ? [] : [[name.replace(/Function.*/, ""), rounded(first)]]),
    ),
  );
}
