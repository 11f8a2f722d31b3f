/**
 * Follows the frames (RFC 6455 §5.2) that come in on one socket, to know what the message that is not complete yet costs:
 * `ws` hands over whole messages, and says nothing of what it holds of one until then.
 *
 *   header (2 bytes, then length, then mask) -> payload -> header ...
 *
 * It checks nothing: what is no frame is for `ws` to end.
 */

/** What a piece of a message costs beside its bytes: an object, a place in a list, the end of a larger buffer. */
const FRAGMENT_BYTES = 256;
const IS_LAST = 0x80;
const IS_MASKED = 0x80;
const FIRST_CONTROL_OPCODE = 8;

export interface FrameMeter {
  /** Bytes held of a message that is not complete; 0 between messages. */
  readonly held: number;
  /** How many messages have come in whole. */
  readonly messages: number;
  /** Reads what has come in. Returns how many frames ended in it that were no whole message: control frames, pieces. */
  take(chunk: Uint8Array): number;
}

export function createFrameMeter(): FrameMeter {
  let held = 0;
  let messages = 0;
  let first = 0;
  let headerRead = 0;
  let headerBytes = 2;
  let lengthBytes = 0;
  let length = 0;
  let payloadLeft = 0;
  let isFragmented = false;

  function readHeader(byte: number): void {
    if (headerRead === 0) first = byte;
    else if (headerRead === 1) {
      const short = byte & 0x7f;
      lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
      length = lengthBytes === 0 ? short : 0;
      headerBytes = 2 + lengthBytes + (byte & IS_MASKED ? 4 : 0);
    } else if (headerRead < 2 + lengthBytes) length = length * 256 + byte;
    headerRead += 1;
    held += 1;
    if (headerRead === headerBytes) payloadLeft = length;
  }

  /** Returns 1 when what has ended was no whole message. */
  function endFrame(): 0 | 1 {
    const isControl = (first & 0x0f) >= FIRST_CONTROL_OPCODE;
    const wasFragmented = isFragmented;
    if (isControl) held -= headerBytes + length;
    else if (first & IS_LAST) {
      held = 0;
      messages += 1;
      isFragmented = false;
    } else {
      held += FRAGMENT_BYTES;
      isFragmented = true;
    }
    headerRead = 0;
    headerBytes = 2;
    return isControl || isFragmented || wasFragmented ? 1 : 0;
  }

  return {
    get held() {
      return held;
    },
    get messages() {
      return messages;
    },
    take(chunk) {
      let besides = 0;
      for (let at = 0; at < chunk.length;) {
        if (headerRead < headerBytes) readHeader(chunk[at++]!);
        else {
          const step = Math.min(payloadLeft, chunk.length - at);
          at += step;
          payloadLeft -= step;
          held += step;
        }
        if (headerRead === headerBytes && payloadLeft === 0) besides += endFrame();
      }
      return besides;
    },
  };
}
