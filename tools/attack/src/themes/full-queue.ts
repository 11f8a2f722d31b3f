/** One user asks for as much later work as is taken; a colleague and a stranger still have theirs done. */
import { open } from "../connection.ts";
import { pause, type Theme } from "../theme.ts";

const YEAR_MS = 31_536_000_000;
const REFUSED_ENOUGH = 200;

export const fullQueue: Theme = {
  name: "full-queue",
  does: "requests for next year, until no more are taken",
  unit: "requests",
  counts: { ci: 8_000, release: 30_000 },
  limitSeconds: { ci: 180, release: 600 },
  async attack({ target, count, signal }) {
    let connection = await open(target, "attacker");
    let sent = 0;
    let refused = 0;
    let taken = 0;
    const collect = (): void => {
      taken += connection.heard.get("acknowledgment") ?? 0;
      refused += connection.heard.get("RATE_LIMITED") ?? 0;
    };
    while (sent < count && refused + (connection.heard.get("RATE_LIMITED") ?? 0) < REFUSED_ENOUGH && !signal.aborted) {
      if (!connection.isOpen) {
        collect();
        connection = await open(target, "attacker");
      }
      connection.send({ type: "request", id: `y${sent}`, action: "echo", payload: 1, options: { delay_ms: YEAR_MS, subscribe: false } });
      sent += 1;
      if (sent % 80 === 0) await pause(100);
    }
    await connection.ask({ type: "ping", ref: "end" });
    collect();
    connection.close();
    const broken: string[] = [];
    for (const role of ["colleague", "stranger"] as const) {
      const other = await open(target, role);
      const answer = await other.ask({ type: "request", id: `mine-${sent}`, action: "echo", payload: 1, options: { mode: "async" } });
      if (answer?.type !== "complete") broken.push(`a queued echo of the ${role}: ${JSON.stringify(answer)}`);
      other.close();
    }
    return { counted: { sent, taken, refused }, broken };
  },
};
