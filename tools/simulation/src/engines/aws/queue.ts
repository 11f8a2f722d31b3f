/**
 * A queue whose messages wait, and what takes them: at least once, in any order, again when they were not dealt with. One
 * that was taken too often is parked.
 */
import { someMs, type Chance } from "../../chance.ts";
import type { World } from "../../engine.ts";

export interface Queue {
  send(body: string, delayMs: number): void;
  /** Taken too often. */
  readonly parked: readonly string[];
}

export interface QueueParts {
  readonly name: string;
  readonly chance: Chance;
  /** Deals with a message; false when that failed. */
  readonly take: (messageId: string, body: string) => Promise<boolean>;
  readonly isDoubled: () => boolean;
}

const VISIBILITY_MS = 180_000;
const RECEIVES = 10;
const SLOWEST_MS = 2_000;

export function createQueue(world: World, { name, chance, take, isDoubled }: QueueParts): Queue {
  const parked: string[] = [];
  let count = 0;

  async function receive(messageId: string, body: string, receives: number): Promise<void> {
    if (await take(messageId, body)) return;
    if (receives >= RECEIVES) {
      world.tell(name, `parks ${body}`);
      parked.push(body);
    } else world.clock.after(VISIBILITY_MS, () => void receive(messageId, body, receives + 1));
  }

  return {
    parked,
    send: (body, delayMs) => {
      count += 1;
      const messageId = `${name}-${count}`;
      for (let copies = isDoubled() ? 2 : 1; copies > 0; copies -= 1)
        world.clock.after(delayMs + someMs(chance, 1, SLOWEST_MS), () => void receive(messageId, body, 1));
    },
  };
}
