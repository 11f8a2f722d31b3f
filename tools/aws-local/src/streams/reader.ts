/**
 * Reads the shards of a table's stream, each in order, a shard's children after it. Polls, as Lambda does. An iterator can
 * go stale, and DynamoDB Local's on an empty stream can break with TrimmedDataAccessException: a new one is fetched, from
 * after the last record that was read.
 */
import { setTimeout as wait } from "node:timers/promises";
import { callDynamo, DynamoError } from "../dynamodb/call.ts";
import type { StreamRecord } from "./records.ts";

export interface StreamReaderParts {
  readonly engineUrl: string;
  /** As the engine calls it. */
  readonly streamArn: string;
  readonly startingPosition: string;
  readonly pollMs: number;
  /** Resolves when more can be taken. */
  take(shardId: string, records: readonly StreamRecord[]): Promise<void>;
  onError(error: unknown): void;
}

interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
}
interface Description {
  readonly StreamDescription: { readonly Shards?: readonly Shard[]; readonly LastEvaluatedShardId?: string };
}
interface Iterator {
  readonly ShardIterator: string;
}
interface Page {
  readonly Records: readonly StreamRecord[];
  readonly NextShardIterator?: string;
}

const TARGET = "DynamoDBStreams_20120810";
const LOOK_FOR_SHARDS_MS = 5_000;
const STALE = new Set(["TrimmedDataAccessException", "ExpiredIteratorException", "ResourceNotFoundException"]);

export function readStream({ engineUrl, streamArn, startingPosition, pollMs, take, onError }: StreamReaderParts): { stop(): void } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const known = new Set<string>();
  const finished = new Set<string>();
  const call = <T>(operation: string, request: object): Promise<T> => callDynamo<T>(engineUrl, `${TARGET}.${operation}`, request);
  const pause = (ms: number): Promise<void> => wait(ms, undefined, { signal }).catch(() => undefined);

  const iteratorOf = async (shardId: string, after: string | undefined): Promise<string> => {
    const from =
      after === undefined ? { ShardIteratorType: startingPosition } : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: after };
    return (await call<Iterator>("GetShardIterator", { StreamArn: streamArn, ShardId: shardId, ...from })).ShardIterator;
  };

  const readShard = async (shardId: string): Promise<void> => {
    let after: string | undefined;
    let iterator: string | undefined;
    while (!signal.aborted) {
      try {
        iterator ??= await iteratorOf(shardId, after);
        const { Records, NextShardIterator }: Page = await call("GetRecords", { ShardIterator: iterator, Limit: 1_000 });
        after = Records.at(-1)?.dynamodb.SequenceNumber ?? after;
        if (Records.length > 0) await take(shardId, Records);
        if (NextShardIterator === undefined) return void finished.add(shardId);
        iterator = NextShardIterator;
        if (Records.length === 0) await pause(pollMs);
      } catch (error) {
        if (signal.aborted) return;
        iterator = undefined;
        if (!(error instanceof DynamoError && STALE.has(error.type))) onError(error);
        await pause(pollMs);
      }
    }
  };

  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const { StreamDescription } = await call<Description>("DescribeStream", { StreamArn: streamArn });
        const shards = StreamDescription.Shards ?? [];
        const listed = new Set(shards.map(({ ShardId }) => ShardId));
        for (const { ShardId, ParentShardId } of shards) {
          const mustWait = ParentShardId !== undefined && listed.has(ParentShardId) && !finished.has(ParentShardId);
          if (known.has(ShardId) || mustWait) continue;
          known.add(ShardId);
          void readShard(ShardId);
        }
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
      await pause(known.size === 0 ? pollMs : LOOK_FOR_SHARDS_MS);
    }
  };
  void watch();
  return { stop: () => stopping.abort() };
}
