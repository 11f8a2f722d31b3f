/** Frames within every limit, each made to cost as much as it can: long runs of digits, deep nesting, thousands of keys. */
import { open, type Connection } from "../connection.ts";
import { pause, type AttackTerms, type Theme } from "../theme.ts";

/** Under the limit of a frame, 1,048,576. */
const FRAME_BYTES = 1_000_000;
const CONNECTIONS = 4;
/** More waits in this process, not in the server. */
const BUFFERED_BYTES = 4_000_000;

const filled = (unit: string): string => unit.repeat(Math.floor(FRAME_BYTES / unit.length));
const ping = (more: string): string => `{"type":"ping","x":${more}}`;

const FRAMES: readonly string[] = [
  ping(`"${filled(`${"1".repeat(209)}a`)}"`),
  ping(filled("1")),
  ping(`[${filled("1e5,")}0]`),
  ping(`"${filled("\\u0041")}"`),
  ping(`"${filled("é")}"`.slice(0, FRAME_BYTES / 2)),
  ping(`[${filled("[[[[[[[[1]]]]]]]],")}0]`),
  ping(`{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":1`).join(",")}}`),
  ping(`"${filled("\\\\")}"`),
  ping(`"${filled("streamer-blob:url:a ")}"`),
  `{"type":"request","action":"echo","payload":"${filled("a")}"}`,
  `{"type":"request","action":"bulk_operation","payload":{"operation_type":"create","entity_type":"x","items":[${filled("1,")}1]}}`,
  `{"type":"request","action":"append_rows","payload":{"stream_id":"s","sequence":0,"rows":[${filled('{"a":"b"},')}{}]}}`,
];

async function flood(connection: Connection, count: number, { random, signal }: AttackTerms): Promise<number> {
  let sent = 0;
  while (sent < count && connection.isOpen && !signal.aborted) {
    if (connection.bufferedBytes > BUFFERED_BYTES) {
      await pause(2);
      continue;
    }
    connection.send(FRAMES[Math.floor(random() * FRAMES.length)]!);
    sent += 1;
    await pause(0);
  }
  while (connection.bufferedBytes > 0 && connection.isOpen && !signal.aborted) await pause(10);
  return sent;
}

export const heavyFrames: Theme = {
  name: "heavy-frames",
  does: "legal frames of 1 MB, each made to cost as much as it can, as fast as they are taken",
  unit: "frames",
  counts: { ci: 600, release: 6_000 },
  smoke: 60,
  limitSeconds: { ci: 240, release: 1_800 },
  async attack(terms) {
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(terms.target, "attacker")));
    const sent = await Promise.all(connections.map((connection) => flood(connection, Math.ceil(terms.count / CONNECTIONS), terms)));
    const limited = connections.reduce((sum, { heard }) => sum + (heard.get("RATE_LIMITED") ?? 0), 0);
    const closed = connections.filter(({ isOpen }) => !isOpen).length;
    for (const connection of connections) connection.close();
    return { counted: { frames: sent.reduce((sum, each) => sum + each, 0), rate_limited: limited, closed }, broken: [] };
  },
};
