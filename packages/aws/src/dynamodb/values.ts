/**
 * Texts too large for an item (an item holds 400 KB, and every write of a request costs by the size of its whole item)
 * live in the bucket, under a name that is never used twice: what an item points to never changes.
 */
import type { Objects } from "../s3/objects.ts";
import { hashOf } from "./keys.ts";

/** A text in the item, or where it is in the bucket. */
export type StoredText = string | { readonly object: string };

/** Larger texts go to the bucket. An item of 4 KB costs four write units; putting an object costs as much as eight. */
const INLINE_BYTES = 4_096;

export interface Values {
  keep(life: { readonly pk: string; readonly life: string }, text: string): Promise<StoredText>;
  read(text: StoredText): Promise<string>;
  /** Forgets what one life of a request kept. */
  removeAll(life: { readonly pk: string; readonly life: string }): Promise<void>;
}

export function createValues(objects: Objects, makeId: () => string): Values {
  const prefixOf = ({ pk, life }: { readonly pk: string; readonly life: string }): string => `values/${hashOf(pk)}/${life}/`;
  return {
    keep: async (life, text) => {
      // A UTF-16 unit is at most three bytes of UTF-8: short texts need no counting.
      if (text.length * 3 <= INLINE_BYTES || Buffer.byteLength(text) <= INLINE_BYTES) return text;
      const object = prefixOf(life) + makeId();
      await objects.put(object, text, { contentType: "application/json" });
      return { object };
    },
    read: async (text) => (typeof text === "string" ? text : objects.readText(text.object)),
    removeAll: async (life) => void (await objects.removeAll(prefixOf(life))),
  };
}
