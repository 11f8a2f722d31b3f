/** Without a token: connections that say nothing, or a header line a second, or hold a forged token and a large frame behind it. */
import { dial, handshake, textFrame, type Wire } from "../connection.ts";
import { pause, type Theme } from "../theme.ts";

const SLOW_MS = 25_000;
/** A header has to be whole within 10 s, a handshake to be answered; a server looks now and then. */
const ENDED_WITHIN_MS = 20_000;
const LARGE = textFrame(Buffer.alloc(4_000_000, 0x20), false);

export const silentDoors: Theme = {
  name: "silent-doors",
  does: "connections without a token that say nothing, little, or much",
  unit: "connections",
  counts: { ci: 900, release: 6_000 },
  smoke: 150,
  limitSeconds: { ci: 180, release: 600 },
  async attack({ target, count, signal }) {
    const wires: Wire[] = [];
    const slow: Wire[] = [];
    for (let at = 0; at < count && !signal.aborted; at += 1) {
      const wire = dial(target);
      wires.push(wire);
      if (at % 3 === 1) {
        slow.push(wire);
        wire.socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
      }
      if (at % 3 === 2) {
        wire.socket.write(handshake(target, `${target.tokens.attacker.slice(0, -8)}AAAAAAAA`));
        wire.socket.write(LARGE);
      }
      if (at % 50 === 49) await pause(20);
    }
    const since = performance.now();
    const endsAt = since + SLOW_MS;
    let stillSlow = slow.length;
    while (performance.now() < endsAt && !signal.aborted) {
      for (const wire of slow) if (!wire.isClosed) wire.socket.write("X-a: b\r\n");
      await pause(1_000);
      if (performance.now() - since < ENDED_WITHIN_MS) stillSlow = slow.filter(({ isClosed }) => !isClosed).length;
    }
    const upgraded = wires.filter(({ head }) => head.startsWith("HTTP/1.1 101") && head.includes("welcome")).length;
    const stillOpen = wires.filter(({ isClosed }) => !isClosed).length;
    for (const { socket } of wires) socket.destroy();
    return {
      counted: { connections: wires.length, closed_by_server: wires.length - stillOpen },
      broken: [
        ...(upgraded > 0 ? [`${upgraded} forged tokens were welcomed`] : []),
        ...(stillSlow > 0
          ? [`${stillSlow} of ${slow.length} that send a header line a second are still open after ${ENDED_WITHIN_MS} ms`]
          : []),
      ],
    };
  },
};
