/** Connections with a token that begin messages as large as there may be, and never end them. */
import { dial, handshake, textFrame, type Wire } from "../connection.ts";
import { pause, type Theme } from "../theme.ts";

/** Under the size at which a frame is cut off. */
const PART = textFrame(Buffer.alloc(1_000_000, 0x20), false);
const HELD_MS = 8_000;

export const unfinishedMessages: Theme = {
  name: "unfinished-messages",
  does: "messages of 1 MB that are begun on many connections of one user, and never ended",
  unit: "connections",
  counts: { ci: 250, release: 2_000 },
  smoke: 60,
  limitSeconds: { ci: 120, release: 300 },
  async attack({ target, count, signal }) {
    const wires: Wire[] = [];
    for (let at = 0; at < count && !signal.aborted; at += 1) {
      const wire = dial(target);
      wires.push(wire);
      wire.socket.write(handshake(target, target.tokens.attacker));
      await pause(5);
    }
    await pause(500);
    for (const { socket, isClosed } of wires) if (!isClosed) socket.write(PART);
    await pause(HELD_MS);
    const open = wires.filter(({ isClosed }) => !isClosed).length;
    for (const { socket } of wires) socket.destroy();
    return { counted: { connections: wires.length, still_open: open }, broken: [] };
  },
};
