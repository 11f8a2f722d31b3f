/** A stream record, as DynamoDB keeps it and Lambda hands it on. */
import type { Json, JsonObject } from "../assembly/template.ts";

export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: string;
  readonly eventVersion: string;
  readonly eventSource: string;
  readonly awsRegion: string;
  readonly userIdentity?: JsonObject | undefined;
  readonly eventSourceARN: string;
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number;
    readonly Keys: JsonObject;
    readonly NewImage?: JsonObject | undefined;
    readonly OldImage?: JsonObject | undefined;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: string;
  };
}

/** The engine has its own names for region and stream; and TTL's deletions carry an identity that differs in case. */
export function asDelivered(record: StreamRecord, awsRegion: string, eventSourceARN: string): StreamRecord {
  const { userIdentity } = record;
  return {
    ...record,
    awsRegion,
    eventSourceARN,
    ...(userIdentity && {
      userIdentity: Object.fromEntries(
        Object.entries(userIdentity).map(([name, value]) => [name[0]!.toLowerCase() + name.slice(1), value]),
      ),
    }),
  };
}

/** Records of one item stay in one lane, in order. */
export function laneOf({ dynamodb }: StreamRecord, lanes: number): number {
  let hash = 0;
  for (const character of JSON.stringify(dynamodb.Keys)) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
  return hash % lanes;
}

export const createdAt = ({ dynamodb }: StreamRecord): number => dynamodb.ApproximateCreationDateTime * 1_000;
export const asJson = (record: StreamRecord): Json => record as unknown as Json;
