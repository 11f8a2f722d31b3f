/** Faults of a stream, made of the records that were read. What Lambda promises holds: each item's records keep their order. */
import type { RecordsFault } from "./faults.ts";
import type { StreamRecord } from "../streams/records.ts";

/** The records in place of those that were read. */
export function brokenRecords(records: readonly StreamRecord[], fault: RecordsFault | undefined): readonly StreamRecord[] {
  switch (fault?.kind) {
    case undefined:
    case "stall":
      return records;
    case "double":
      return [...records, ...records];
    case "reorder":
      return Array.from(Map.groupBy(records, itemOf).values()).toReversed().flat();
    case "poison":
      return records[0] ? [poisonBefore(records[0]), ...records] : records;
  }
}

const itemOf = ({ dynamodb }: StreamRecord): string => JSON.stringify(dynamodb.Keys);

/** The same item, and nothing of what a function looks for in it. */
const poisonBefore = (record: StreamRecord): StreamRecord => ({
  ...record,
  eventID: `poison-${record.eventID}`,
  dynamodb: { ...record.dynamodb, NewImage: {}, SequenceNumber: `${record.dynamodb.SequenceNumber}0` },
});
