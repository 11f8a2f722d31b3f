/**
 * What short requests were answered, for as long as that is remembered: as bytes, in blocks that are forgotten as a whole,
 * the oldest first. As objects of their own, the twenty thousand newest answers outlived every round of the garbage
 * collector that copies young objects, and half of its time went into them.
 */
import type { RequestKey } from "@streamer/core";
import { fnv1a } from "./requests/fnv.ts";

/** What there is under a key. */
export interface Remembered {
  readonly fingerprint: string;
  /** Undefined of a request that became durable: the store has its state. */
  readonly text: string | undefined;
}

export interface RememberedAnswers {
  find(key: RequestKey, now: number): Remembered | undefined;
  /** In place of what there was, from `now` to `until`, in monotonic ms. */
  put(key: RequestKey, remembered: Remembered, span: { readonly now: number; readonly until: number }): void;
}

interface Block {
  bytes: Buffer;
  used: number;
  /** Monotonic ms after which nothing in it counts. */
  until: number;
}

/** A place: the number of its block, and where in the block it begins. */
const BLOCK_BITS = 18;
const BLOCK_BYTES = 2 ** BLOCK_BITS;
/** Of all answers together: 16 MiB. A larger answer than a block has a block of its own, and takes the place of one. */
const MOST_BLOCKS = 64;
/** Before the strings: hash, their lengths, `until`. */
const HEAD_BYTES = 24;
/** In place of a length. */
const NO_TEXT = 0xff_ff_ff_ff;

export function createRememberedAnswers(): RememberedAnswers {
  const blocks: (Block | undefined)[] = Array.from({ length: MOST_BLOCKS }, () => undefined);
  /** By the hash of the key, and by the key itself where another key has that hash. */
  const places = new Map<number, number>();
  const others = new Map<RequestKey, number>();
  let newest = 0;

  const keyAt = ({ bytes }: Block, at: number): RequestKey =>
    bytes.toString("latin1", at + HEAD_BYTES, at + HEAD_BYTES + bytes.readUInt32LE(at + 4)) as RequestKey;

  const blockAt = (place: number): Block => blocks[place >>> BLOCK_BITS]!;
  const startOf = (place: number): number => place & (BLOCK_BYTES - 1);

  const placeOf = (key: RequestKey, hash: number): number | undefined => {
    const place = places.get(hash);
    if (place === undefined) return undefined;
    return keyAt(blockAt(place), startOf(place)) === key ? place : others.get(key);
  };

  const sizeAt = ({ bytes }: Block, at: number): number => {
    const text = bytes.readUInt32LE(at + 12);
    return HEAD_BYTES + bytes.readUInt32LE(at + 4) + bytes.readUInt32LE(at + 8) + (text === NO_TEXT ? 0 : text);
  };

  /** Forgets all of a block. */
  const clear = (number: number): void => {
    const block = blocks[number];
    blocks[number] = undefined;
    if (!block) return;
    for (let at = 0; at < block.used; at += sizeAt(block, at)) {
      const hash = block.bytes.readUInt32LE(at);
      const place = number * BLOCK_BYTES + at;
      if (places.get(hash) === place) places.delete(hash);
      else if (others.size > 0) {
        const key = keyAt(block, at);
        if (others.get(key) === place) others.delete(key);
      }
    }
  };

  /** The block that has room for so many bytes more. */
  const roomFor = (size: number, now: number): Block => {
    const current = blocks[newest];
    if (current && current.used + size <= current.bytes.length) return current;
    const next = current ? (newest + 1) % MOST_BLOCKS : newest;
    clear(next);
    // What nobody is told any more need not wait until its place is taken: the oldest come behind this one.
    for (let n = 1; n < MOST_BLOCKS && !isTold(blocks[(next + n) % MOST_BLOCKS], now); n += 1) clear((next + n) % MOST_BLOCKS);
    newest = next;
    return (blocks[next] = { bytes: Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, size)), used: 0, until: 0 });
  };

  return {
    find(key, now) {
      const place = placeOf(key, hashOf(key));
      if (place === undefined) return undefined;
      const block = blockAt(place);
      const { bytes } = block;
      const at = startOf(place);
      if (bytes.readDoubleLE(at + 16) <= now) return undefined;
      const from = at + HEAD_BYTES + bytes.readUInt32LE(at + 4);
      const to = from + bytes.readUInt32LE(at + 8);
      const length = bytes.readUInt32LE(at + 12);
      return {
        fingerprint: bytes.toString("utf8", from, to),
        text: length === NO_TEXT ? undefined : bytes.toString("utf8", to, to + length),
      };
    },
    put(key, { fingerprint, text }, { now, until }) {
      const fingerprintBytes = Buffer.byteLength(fingerprint);
      const textBytes = text === undefined ? 0 : Buffer.byteLength(text);
      const block = roomFor(HEAD_BYTES + key.length + fingerprintBytes + textBytes, now);
      const { bytes, used: at } = block;
      const hash = hashOf(key);
      bytes.writeUInt32LE(hash, at);
      bytes.writeUInt32LE(key.length, at + 4);
      bytes.writeUInt32LE(fingerprintBytes, at + 8);
      bytes.writeUInt32LE(text === undefined ? NO_TEXT : textBytes, at + 12);
      bytes.writeDoubleLE(until, at + 16);
      let end = at + HEAD_BYTES;
      end += bytes.write(key, end, "latin1");
      end += bytes.write(fingerprint, end);
      if (text !== undefined) end += bytes.write(text, end);
      block.used = end;
      block.until = until;
      const place = newest * BLOCK_BYTES + at;
      const other = places.get(hash);
      if (other !== undefined && keyAt(blockAt(other), startOf(other)) !== key) others.set(key, place);
      else places.set(hash, place);
    },
  };
}

const isTold = (block: Block | undefined, now: number): boolean => block !== undefined && block.until > now;

/** As a small integer. */
const hashOf = (key: string): number => fnv1a(key) >>> 2;
