/** Event source mapping of a table's stream: reads, filters, sorts into lanes, invokes. At least once, as Lambda promises. */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { MappingPlan } from "../assembly/sources.ts";
import { brokenRecords } from "../faults/break-records.ts";
import type { Faults } from "../faults/faults.ts";
import type { Registered } from "../lambda/registry.ts";
import { versioned } from "../lambda/destination.ts";
import { checkPattern, passes } from "./filter.ts";
import { createLane, type GivenUp, type Lane } from "./lane.ts";
import { readStream } from "./reader.ts";
import { asDelivered, asJson, createdAt, laneOf, type StreamRecord } from "./records.ts";

export interface StreamMapping {
  statistics(): { readonly read: number; readonly passed: number; readonly givenUp: number };
  stop(): void;
}
export interface StreamMappingParts {
  readonly plan: MappingPlan;
  readonly target: Registered;
  readonly engineUrl: string;
  readonly engineStreamArn: string;
  readonly region: string;
  readonly pollMs: number;
  readonly retryMs: readonly [first: number, most: number];
  readonly decide: Faults["records"];
  deliver(queueArn: string, record: string): void;
  log(line: string): void;
}

export function mapStream(parts: StreamMappingParts): StreamMapping {
  const { plan, target, engineUrl, engineStreamArn, region, pollMs, retryMs, decide, deliver, log } = parts;
  for (const pattern of plan.filters ?? []) checkPattern(plan.id, pattern);
  const stopping = new AbortController();
  const lanes = new Map<string, Lane>();
  const counts = { read: 0, passed: 0, givenUp: 0 };

  const giveUp = (
    shardId: string,
    records: readonly StreamRecord[],
    why: GivenUp,
    last: Parameters<Parameters<typeof createLane>[0]["giveUp"]>[2],
  ): void => {
    counts.givenUp += records.length;
    log(`${plan.id} gave up ${records.length} records: ${why}`);
    if (plan.onFailure === undefined) return;
    const at = (record: StreamRecord): string => new Date(createdAt(record)).toISOString();
    const [first, newest] = [records[0]!, records.at(-1)!];
    deliver(
      plan.onFailure,
      JSON.stringify({
        requestContext: {
          requestId: last.served?.requestId ?? randomUUID(),
          functionArn: versioned(target.arn),
          condition: why,
          approximateInvokeCount: last.attempts,
        },
        ...(last.served && {
          responseContext: {
            statusCode: 200,
            executedVersion: "$LATEST",
            functionError: last.served.isError ? "Unhandled" : null,
          },
        }),
        version: "1.0",
        timestamp: new Date().toISOString(),
        DDBStreamBatchInfo: {
          shardId,
          startSequenceNumber: first.dynamodb.SequenceNumber,
          endSequenceNumber: newest.dynamodb.SequenceNumber,
          approximateArrivalOfFirstRecord: at(first),
          approximateArrivalOfLastRecord: at(newest),
          batchSize: records.length,
          streamArn: plan.sourceArn,
        },
      }),
    );
  };

  const laneNamed = (shardId: string, number: number): Lane => {
    const name = `${shardId}/${number}`;
    const known = lanes.get(name);
    if (known) return known;
    const made = createLane({
      plan,
      retryMs,
      signal: stopping.signal,
      invoke: async (records) => {
        const slot = await target.fleet.reserve();
        return slot?.run(JSON.stringify({ Records: records }), target.arn);
      },
      giveUp: (records, why, last) => giveUp(shardId, records, why, last),
    });
    lanes.set(name, made);
    return made;
  };

  const reader = readStream({
    engineUrl,
    streamArn: engineStreamArn,
    startingPosition: plan.startingPosition,
    pollMs,
    onError: (error) => log(`${plan.id} could not read its stream: ${String(error)}`),
    take: async (shardId, read) => {
      const wanted = read
        .map((record) => asDelivered(record, region, plan.sourceArn))
        .filter((record) => !plan.filters || passes(plan.filters, asJson(record)));
      counts.read += read.length;
      counts.passed += wanted.length;
      const fault = wanted.length > 0 ? decide?.(wanted) : undefined;
      if (fault?.kind === "stall") await wait(fault.ms, undefined, { signal: stopping.signal }).catch(() => undefined);
      const byLane = Map.groupBy(brokenRecords(wanted, fault), (record) => laneOf(record, plan.parallelizationFactor));
      await Promise.all(Array.from(byLane, ([number, records]) => laneNamed(shardId, number).add(records)));
    },
  });

  return {
    statistics: () => ({ ...counts }),
    stop: () => {
      stopping.abort();
      reader.stop();
    },
  };
}
