/**
 * Watches the frames of a client on the raw socket, because the WebSocket library joins them into messages before anyone
 * sees their size, and API Gateway limits both. Reads headers only (RFC 6455, 5.2).
 */

/** Calls back with the payload size of each frame as soon as its header is complete. */
export function frameWatcher(onFrame: (payloadBytes: number) => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let skip = 0;

  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (skip > 0) {
        const passed = Math.min(skip, rest.length);
        skip -= passed;
        rest = rest.subarray(passed);
        continue;
      }
      header = Buffer.concat([header, rest]);
      const known = headerOf(header);
      if (known === undefined) return;
      rest = header.subarray(known.headerBytes);
      header = Buffer.alloc(0);
      skip = known.payloadBytes;
      onFrame(known.payloadBytes);
    }
  };
}

const MASK_BYTES = 4;

function headerOf(bytes: Buffer): { readonly headerBytes: number; readonly payloadBytes: number } | undefined {
  if (bytes.length < 2) return undefined;
  const isMasked = (bytes[1]! & 0x80) !== 0;
  const short = bytes[1]! & 0x7f;
  const extraBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const headerBytes = 2 + extraBytes + (isMasked ? MASK_BYTES : 0);
  if (bytes.length < headerBytes) return undefined;
  if (short === 126) return { headerBytes, payloadBytes: bytes.readUInt16BE(2) };
  if (short === 127) return { headerBytes, payloadBytes: Number(bytes.readBigUInt64BE(2)) };
  return { headerBytes, payloadBytes: short };
}
