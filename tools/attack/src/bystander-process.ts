/**
 * A bystander asks for its echo at a steady pace, whatever the server does, in a process of its own: what it feels is the
 * server's, and not that of whoever attacks it. Told "report", it says what it felt since the last.
 */
import { open } from "./connection.ts";
import type { Target } from "./target.ts";

const EVERY_MS = 25;

const target = JSON.parse(process.argv[2]!) as Target;
const asked = new Map<string, number>();
let felt: number[] = [];
let refused = 0;
let count = 0;

const connection = await open(target, "stranger", {
  onText: (text) => {
    const id = /"request_id":"(b\d+)"/.exec(text)?.[1];
    const since = id === undefined ? undefined : asked.get(id);
    if (since === undefined) return;
    asked.delete(id!);
    if (text.includes('"type":"response"')) felt.push(performance.now() - since);
    else refused += 1;
  },
});
if (!connection.isOpen) throw new Error(`The bystander was not let in: ${JSON.stringify(connection.closed)}`);

setInterval(() => {
  const id = `b${(count += 1)}`;
  asked.set(id, performance.now());
  connection.send({ type: "request", id, action: "echo", payload: count });
}, EVERY_MS);

process.on("message", () => {
  const now = performance.now();
  // What waits still has waited for so long at least.
  const waits = Array.from(asked.values(), (since) => now - since);
  process.send!({ felt: [...felt, ...waits], refused, isOpen: connection.isOpen });
  felt = [];
  refused = 0;
});
process.send!("ready");
// Nobody is there any more to tell.
process.on("disconnect", () => process.exit());
