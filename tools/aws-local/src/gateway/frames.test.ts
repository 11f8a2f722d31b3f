import { expect, it } from "vitest";
import fc from "fast-check";
import { frameWatcher } from "./frames.ts";

function frame(payloadBytes: number): Buffer {
  const mask = Buffer.alloc(4);
  if (payloadBytes < 126) return Buffer.concat([Buffer.from([0x81, 0x80 | payloadBytes]), mask, Buffer.alloc(payloadBytes)]);
  const long = payloadBytes > 0xffff;
  const size = Buffer.alloc(long ? 8 : 2);
  if (long) size.writeBigUInt64BE(BigInt(payloadBytes));
  else size.writeUInt16BE(payloadBytes);
  return Buffer.concat([Buffer.from([0x81, 0x80 | (long ? 127 : 126)]), size, mask, Buffer.alloc(payloadBytes)]);
}

it("sees the size of every frame, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40_000 })),
      (sizes, cuts) => {
        const seen: number[] = [];
        const watch = frameWatcher((size) => seen.push(size));
        const bytes = Buffer.concat(sizes.map(frame));
        for (let at = 0; at < bytes.length;) {
          const step = cuts.next().value as number;
          watch(bytes.subarray(at, at + step));
          at += step;
        }
        expect(seen).toEqual(sizes);
      },
    ),
    { numRuns: 50 },
  );
});
