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

/** Every open socket has one: its fields are all it costs. */
export class FrameMeter {
  /** Bytes held of a message that is not complete; 0 between messages. */
  held = 0;
  /** How many messages have come in whole. */
  messages = 0;
  #first = 0;
  #headerRead = 0;
  #headerBytes = 2;
  #lengthBytes = 0;
  #length = 0;
  #payloadLeft = 0;
  #isFragmented = false;

  /** Reads what has come in. Returns how many frames ended in it that were no whole message: control frames, pieces. */
  take(chunk: Uint8Array): number {
    let besides = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#headerRead < this.#headerBytes) this.#readHeader(chunk[at++]!);
      else {
        const step = Math.min(this.#payloadLeft, chunk.length - at);
        at += step;
        this.#payloadLeft -= step;
        this.held += step;
      }
      if (this.#headerRead === this.#headerBytes && this.#payloadLeft === 0) besides += this.#endFrame();
    }
    return besides;
  }

  #readHeader(byte: number): void {
    if (this.#headerRead === 0) this.#first = byte;
    else if (this.#headerRead === 1) {
      const short = byte & 0x7f;
      this.#lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
      this.#length = this.#lengthBytes === 0 ? short : 0;
      this.#headerBytes = 2 + this.#lengthBytes + (byte & IS_MASKED ? 4 : 0);
    } else if (this.#headerRead < 2 + this.#lengthBytes) this.#length = this.#length * 256 + byte;
    this.#headerRead += 1;
    this.held += 1;
    if (this.#headerRead === this.#headerBytes) this.#payloadLeft = this.#length;
  }

  /** Returns 1 when what has ended was no whole message. */
  #endFrame(): 0 | 1 {
    const isControl = (this.#first & 0x0f) >= FIRST_CONTROL_OPCODE;
    const wasFragmented = this.#isFragmented;
    if (isControl) this.held -= this.#headerBytes + this.#length;
    else if (this.#first & IS_LAST) {
      this.held = 0;
      this.messages += 1;
      this.#isFragmented = false;
    } else {
      this.held += FRAGMENT_BYTES;
      this.#isFragmented = true;
    }
    this.#headerRead = 0;
    this.#headerBytes = 2;
    return isControl || this.#isFragmented || wasFragmented ? 1 : 0;
  }
}
