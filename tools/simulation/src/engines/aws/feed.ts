/**
 * The stream of the requests table, as far as its filter lets records through, and its mapping to `dispatch`: batches in the
 * order of the writes, now and then twice. What failed is tried again from where it failed, and parked after some tries.
 */
import type { DynamoDBBatchResponse, DynamoDBRecord } from "aws-lambda";
import { RUNNABLE_FILTER } from "@streamer/aws";
import { someMs, type Chance } from "../../chance.ts";
import type { World } from "../../engine.ts";
import type { Item } from "./dynamodb/values.ts";
import type { Invoked } from "./lambda.ts";

export interface Feed {
  wrote(before: Item | undefined, after: Item | undefined): void;
}

export interface FeedParts {
  readonly chance: Chance;
  readonly dispatch: (event: object) => Promise<Invoked>;
  readonly isDoubled: () => boolean;
}

const BATCH = 100;
const RETRIES = 5;
const FIRST_RETRY_MS = 500;

const isRunnable = (image: Item): boolean =>
  Object.entries(RUNNABLE_FILTER.dynamodb.NewImage).every(([name, { S }]) => (S as readonly string[]).includes(image[name]?.S ?? ""));

export function createFeed(world: World, { chance, dispatch, isDoubled }: FeedParts): Feed {
  let waiting: DynamoDBRecord[] = [];
  let isBusy = false;
  let count = 0;

  function poll(): void {
    if (isBusy || waiting.length === 0) return;
    isBusy = true;
    world.clock.after(someMs(chance, 1, 500), () => void next(0));
  }

  async function next(retries: number): Promise<void> {
    const batch = waiting.slice(0, BATCH);
    const invoked = await dispatch({ Records: batch });
    const failures = invoked.outcome === "answered" ? (invoked.value as DynamoDBBatchResponse).batchItemFailures : undefined;
    const failed = new Set(failures?.map(({ itemIdentifier }) => itemIdentifier));
    const at = batch.findIndex(({ dynamodb }) => failed.has(dynamodb!.SequenceNumber!));
    let done = failures ? (at < 0 ? batch.length : at) : 0;
    if (done === batch.length && isDoubled()) {
      world.tell("stream", "hands a batch over again");
      done = 0;
    } else if (done === 0 && retries === RETRIES) {
      world.tell("stream", "parks a record");
      done = 1;
    }
    waiting = waiting.slice(done);
    if (done < batch.length && retries < RETRIES) {
      world.clock.after(FIRST_RETRY_MS * 2 ** retries, () => void next(done > 0 ? 0 : retries + 1));
      return;
    }
    isBusy = false;
    poll();
  }

  return {
    wrote: (before, after) => {
      if (!after || !isRunnable(after)) return;
      count += 1;
      waiting.push({
        eventID: `event-${count}`,
        eventName: before ? "MODIFY" : "INSERT",
        dynamodb: { SequenceNumber: String(count), NewImage: after as never },
      });
      poll();
    },
  };
}
