/**
 * Whether a write-ahead log that a dead process left still holds all that was committed. SQLite takes it up to the first
 * frame whose checksum is wrong, and drops what follows without a word: right for a commit that a power cut tore, which
 * was acknowledged to nobody, and wrong for a bit that flipped, behind which acknowledged commits stand. Commits follow
 * each other only once they are synced, so a torn one is the last: two or more behind the first wrong frame are a damaged
 * file. A flip in the very last commit looks like one that was torn.
 *
 * The format is documented: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit says in which byte order checksums were computed. */
const MAGIC = 0x377f0682;

export type WalState =
  | { readonly state: "whole" }
  /** The last transaction is not all there. */
  | { readonly state: "torn" }
  | { readonly state: "damaged"; readonly what: string };

export function inspectWal(path: string): WalState {
  if (!existsSync(path)) return { state: "whole" };
  const file = openSync(path, "r");
  try {
    return inspect(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

function inspect(file: number, bytes: number): WalState {
  // Created, and nothing written yet.
  if (bytes < HEADER_BYTES) return { state: "whole" };
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  readSync(file, header, 0, HEADER_BYTES, 0);
  const magic = header.getUint32(0);
  const isLittleEndian = (magic & 1) === 0;
  let sum = checksum(header, { from: 0, to: 24, isLittleEndian, sum: [0, 0] });
  const pageBytes = header.getUint32(8);
  const isHeaderWhole = magic >>> 1 === MAGIC >>> 1 && header.getUint32(24) === sum[0] && header.getUint32(28) === sum[1];
  if (!isHeaderWhole) return bytes === HEADER_BYTES ? { state: "torn" } : { state: "damaged", what: "its header" };
  const frame = new DataView(new ArrayBuffer(FRAME_HEADER_BYTES + pageBytes));
  let firstWrong: number | undefined;
  let commitsBehind = 0;
  const count = Math.floor((bytes - HEADER_BYTES) / frame.byteLength);
  for (let at = 0; at < count; at += 1) {
    readSync(file, frame, 0, frame.byteLength, HEADER_BYTES + at * frame.byteLength);
    const isOfThisLog = frame.getUint32(8) === header.getUint32(16) && frame.getUint32(12) === header.getUint32(20);
    if (firstWrong === undefined) {
      sum = checksum(frame, { from: 0, to: 8, isLittleEndian, sum });
      sum = checksum(frame, { from: FRAME_HEADER_BYTES, to: frame.byteLength, isLittleEndian, sum });
      const isWhole = isOfThisLog && frame.getUint32(16) === sum[0] && frame.getUint32(20) === sum[1];
      if (!isWhole) firstWrong = at;
    }
    const isCommit = frame.getUint32(4) !== 0;
    if (firstWrong !== undefined && isOfThisLog && isCommit) commitsBehind += 1;
  }
  if (firstWrong === undefined || commitsBehind === 0) return { state: "whole" };
  if (commitsBehind === 1) return { state: "torn" };
  return { state: "damaged", what: `frame ${firstWrong + 1} of ${count}, which ${commitsBehind} commits need` };
}

type Sums = readonly [number, number];

function checksum(
  data: DataView,
  { from, to, isLittleEndian, sum }: { readonly from: number; readonly to: number; readonly isLittleEndian: boolean; readonly sum: Sums },
): Sums {
  let [first, second] = sum;
  for (let at = from; at < to; at += 8) {
    first = (first + data.getUint32(at, isLittleEndian) + second) >>> 0;
    second = (second + data.getUint32(at + 4, isLittleEndian) + first) >>> 0;
  }
  return [first, second];
}
