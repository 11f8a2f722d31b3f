/**
 * Counts of one bundle's codes in one node, `stride` numbers a code, the last of them rows. Codes that occur are listed, so
 * that neither clearing nor scanning costs more than the node has rows: a deep node has a handful, a bundle up to 255.
 */
export class BundleCounts {
  readonly counts: Float64Array;
  /** The first `presentCount` are the codes that occur. */
  readonly present: Int32Array;
  presentCount = 0;
  isCounted = false;
  readonly #stride: number;

  constructor(codeCount: number, stride: number) {
    this.#stride = stride;
    this.counts = new Float64Array(codeCount * stride);
    this.present = new Int32Array(codeCount);
  }

  clear(): void {
    const stride = this.#stride;
    for (let at = 0; at < this.presentCount; at += 1) {
      const bin = this.present[at]! * stride;
      for (let offset = 0; offset < stride; offset += 1) this.counts[bin + offset] = 0;
    }
    this.presentCount = 0;
  }
}
