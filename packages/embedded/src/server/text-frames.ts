/**
 * Frames (RFC 6455 §5.2) of texts, as a server sends them: whole, and not masked. `ws` makes a header and a copy for each
 * socket that a text is sent to; here a text that goes to many is framed once, and all of them are given the same bytes.
 */

const IS_LAST = 0x80;
const TEXT = 0x1;
const MAX_SHORT = 125;
const MAX_2_BYTES = 65_535;

/** Returns what makes them. The newest is kept: what goes to many goes to them one after the other. */
export function createTextFrames(): (text: string) => Buffer {
  let last = { text: "", frame: frameOf("") };
  return (text) => {
    if (text !== last.text) last = { text, frame: frameOf(text) };
    return last.frame;
  };
}

function frameOf(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const headBytes = bytes <= MAX_SHORT ? 2 : bytes <= MAX_2_BYTES ? 4 : 10;
  const frame = Buffer.allocUnsafe(headBytes + bytes);
  frame[0] = IS_LAST | TEXT;
  frame[1] = headBytes === 2 ? bytes : headBytes === 4 ? MAX_SHORT + 1 : MAX_SHORT + 2;
  if (headBytes === 4) frame.writeUInt16BE(bytes, 2);
  if (headBytes === 10) frame.writeBigUInt64BE(BigInt(bytes), 2);
  frame.write(text, headBytes);
  return frame;
}
