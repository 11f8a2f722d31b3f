/** How far something has come that goes on from there, whichever process does it next. */
import type { Items } from "./items.ts";

export interface Marks {
  get(name: string): Promise<number | undefined>;
  set(name: string, at: number): Promise<void>;
}

export function createMarks(items: Items): Marks {
  const keyOf = (name: string) => ({ pk: `mark#${name}` });
  return {
    get: async (name) => (await items.get<{ readonly reached: number }>(keyOf(name)))?.reached,
    set: async (name, at) => void (await items.update(keyOf(name), { set: "SET reached = :at", values: { ":at": at } })),
  };
}
