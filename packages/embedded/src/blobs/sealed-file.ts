/**
 * Files that tell whether they are damaged: a body, and behind it a checksum of each block of it (ADR 0036). A block is
 * read whole and compared before any of it leaves, so that a reader is given nothing wrong, whatever range it asks for.
 *
 *   body · CRC-32 of each block · bytes of the body · CRC-32 of these sums · mark
 *
 * It is one file, so that body and checksums are replaced together.
 */
import { open, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";

/** Named so: files of before have no checksums. */
export const SEALED_SUFFIX = ".sealed";
const BLOCK_BYTES = 262_144;
const SUM_BYTES = 4;
const MARK = Buffer.from("streamer");
/** Bytes of the body, sum of sums, mark. */
const FOOT_BYTES = 8 + SUM_BYTES + MARK.length;

/** Adds the checksums to a finished file, and makes all of it durable. Returns the bytes of the body. */
export async function sealFile(path: string): Promise<number> {
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    const sums = Buffer.alloc(SUM_BYTES * Math.ceil(size / BLOCK_BYTES));
    for (let at = 0; at * BLOCK_BYTES < size; at += 1) {
      sums.writeUInt32LE(crc32(await readBlock(file, at, size)), SUM_BYTES * at);
    }
    const bodyBytes = Buffer.alloc(8);
    bodyBytes.writeBigUInt64LE(BigInt(size));
    const sumOfSums = Buffer.alloc(SUM_BYTES);
    sumOfSums.writeUInt32LE(crc32(bodyBytes, crc32(sums)));
    await file.write(Buffer.concat([sums, bodyBytes, sumOfSums, MARK]), 0, undefined, size);
    await file.sync();
    return size;
  } finally {
    await file.close();
  }
}

export interface SealedFile {
  readonly sizeBytes: number;
  /** The bytes from `start` to `end`, both included; throws what `damaged` makes before the first that is wrong. */
  read(start: number, end: number): AsyncGenerator<Uint8Array>;
}

/** Reads the checksums. Throws what `damaged` makes of a file whose end is not one of ours. */
export async function openSealed(path: string, damaged: () => Error): Promise<SealedFile> {
  const file = await open(path, "r");
  try {
    const { sizeBytes, sums } = await readSums(file, damaged);
    return {
      sizeBytes,
      read: (start, end) => readRange({ path, sizeBytes, sums, damaged }, start, end),
    };
  } finally {
    await file.close();
  }
}

async function readSums(file: FileHandle, damaged: () => Error): Promise<{ readonly sizeBytes: number; readonly sums: Buffer }> {
  const { size } = await file.stat();
  if (size < FOOT_BYTES) throw damaged();
  const foot = await readAt(file, size - FOOT_BYTES, FOOT_BYTES);
  const sizeBytes = Number(foot.readBigUInt64LE());
  const sumsBytes = SUM_BYTES * Math.ceil(sizeBytes / BLOCK_BYTES);
  if (!foot.subarray(-MARK.length).equals(MARK) || sizeBytes + sumsBytes + FOOT_BYTES !== size) throw damaged();
  const sums = await readAt(file, sizeBytes, sumsBytes);
  if (crc32(foot.subarray(0, 8), crc32(sums)) !== foot.readUInt32LE(8)) throw damaged();
  return { sizeBytes, sums };
}

interface Range {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sums: Buffer;
  readonly damaged: () => Error;
}

async function* readRange({ path, sizeBytes, sums, damaged }: Range, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (end < start) return;
  const file = await open(path, "r");
  try {
    for (let at = Math.floor(start / BLOCK_BYTES); at * BLOCK_BYTES <= end; at += 1) {
      const block = await readBlock(file, at, sizeBytes);
      if (crc32(block) !== sums.readUInt32LE(SUM_BYTES * at)) throw damaged();
      const from = at * BLOCK_BYTES;
      yield block.subarray(Math.max(0, start - from), Math.min(block.length, end + 1 - from));
    }
  } finally {
    await file.close();
  }
}

const readBlock = (file: FileHandle, at: number, sizeBytes: number): Promise<Buffer> =>
  readAt(file, at * BLOCK_BYTES, Math.min(BLOCK_BYTES, sizeBytes - at * BLOCK_BYTES));

/** Short where the file is. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
