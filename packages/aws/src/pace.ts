/**
 * How much a user sends, over all processes of `message` (P14). Each of them answers one frame at a time and is chosen by
 * Lambda, so that what it counts for itself is next to nothing, whatever a user sends. Here one frame of `SAMPLE`, drawn by
 * lot, is counted as so many in the user's item of these ten seconds, and the item answers how many there were: right on
 * average, within a tenth at the limit, for a sixteenth of a write unit a frame.
 */
import type { Clock, Owner } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";
import { ownerKey } from "./dynamodb/keys.ts";

interface Overrun {
  /** When the next ten seconds begin. */
  readonly afterMs: number;
  /** It goes on although it is refused. */
  readonly isFar: boolean;
}

export interface Pace {
  /** Frames a second that each user may send. */
  readonly perSecond: number;
  /** Counts a frame. Answers by how much its user has sent more than it may. */
  count(owner: Owner): Promise<Overrun | undefined>;
}

interface PaceParts {
  readonly items: Items;
  readonly clock: Pick<Clock, "now">;
  readonly random: () => number;
  /** Frames a second that each user may send. */
  readonly perSecond: number;
}

const WINDOW_MS = 10_000;
const FAR = 2;
const MOST_SAMPLED = 16;
/** So many samples at the limit tell it to within a tenth. */
const SAMPLES_AT_LIMIT = 100;

export function createPace({ items, clock, random, perSecond }: PaceParts): Pace {
  const most = (perSecond * WINDOW_MS) / 1_000;
  const sample = Math.max(1, Math.min(MOST_SAMPLED, Math.floor(most / SAMPLES_AT_LIMIT)));
  /** Frames of those who are over the limit, as far as this process has heard, in the ten seconds that are; and who was before. */
  let over = { window: 0, frames: new Map<string, number>(), before: new Set<string>() };

  async function add(name: string, window: number): Promise<number> {
    const key = { pk: `sent#${name}#${window}` };
    const counted = await items.update<{ readonly frames: number }>(key, {
      set: "ADD frames :some SET #ttl = :ttl",
      names: { "#ttl": "ttl" },
      values: { ":some": sample, ":ttl": Math.ceil(((window + 2) * WINDOW_MS) / 1_000) },
    });
    return counted!.frames;
  }

  return {
    perSecond,
    count: async (owner) => {
      const now = clock.now();
      const window = Math.floor(now / WINDOW_MS);
      if (window !== over.window)
        over = { window, frames: new Map(), before: new Set(window === over.window + 1 ? over.frames.keys() : []) };
      const name = ownerKey(owner);
      const { frames, before } = over;
      if (random() * sample < 1) {
        const counted = await add(name, window);
        if (counted > most) frames.set(name, counted);
      }
      const sent = frames.get(name);
      return sent === undefined ? undefined : { afterMs: (window + 1) * WINDOW_MS - now, isFar: sent > FAR * most || before.has(name) };
    },
  };
}
