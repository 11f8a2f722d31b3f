import fc from "fast-check";
import { expect, it } from "vitest";
import { FrameMeter } from "../src/server/frame-meter.ts";

const FRAGMENT_BYTES = 256;

interface Piece {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly length: number;
  readonly isMasked: boolean;
}

function bytesOf({ opcode, isLast, length, isMasked }: Piece): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1] = mask | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0, 7), Buffer.alloc(length, 0xff)]);
}

const piece = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
  isLast: fc.boolean(),
  length: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(125, 126, 65_535, 65_536)),
  isMasked: fc.boolean(),
});

it("knows what is held of a message however its frames are cut, and counts what is no whole message", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.integer({ min: 1, max: 5_000 }), (pieces, step) => {
      const whole = new FrameMeter();
      let held = 0;
      let messages = 0;
      let besides = 0;
      let isOpen = false;
      for (const one of pieces) {
        const bytes = bytesOf(one);
        const isControl = one.opcode >= 8;
        if (isControl || !one.isLast || isOpen) besides += 1;
        if (!isControl) {
          held = one.isLast ? 0 : held + bytes.length + FRAGMENT_BYTES;
          messages += one.isLast ? 1 : 0;
          isOpen = !one.isLast;
        }
      }
      const all = Buffer.concat(pieces.map((one) => bytesOf(one)));
      let counted = 0;
      for (let at = 0; at < all.length; at += step) counted += whole.take(all.subarray(at, at + step));
      expect([whole.held, whole.messages, counted]).toEqual([held, messages, besides]);
      // Half of one more: a control frame's, too, is held until it is whole.
      const half = bytesOf({ opcode: 1, isLast: true, length: 1_000, isMasked: true }).subarray(0, 500);
      whole.take(half);
      expect(whole.held).toBe(held + 500);
    }),
  );
});
