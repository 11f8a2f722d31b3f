/** Whatever runs the jobs is killed while all of them run, and started again half a second later. */
import { nowUs } from "../../../clock.ts";
import type { Figures } from "../figures.ts";
import type { Stand } from "../stand.ts";
import { runBatch } from "./jobs.ts";

export interface CrashTerms {
  readonly connections: number;
  readonly total: number;
  readonly jobMs: number;
  /** After the last acknowledgment. */
  readonly killAfterMs: number;
  /** Silence after which it is given up. */
  readonly giveUpMs: number;
}

const WARM_UP = 20;

/** `kill` asks whoever started the peer. */
export async function crash(stand: Stand, kill: () => void, terms: CrashTerms): Promise<Figures> {
  const { connections, total, jobMs, killAfterMs, giveUpMs } = terms;
  await stand.connect(connections);
  await runBatch(stand, { total: WARM_UP, inFlight: 1, kind: "noop", data: () => ({}) });
  // Jobs go to the connections by turns.
  stand.reopenFor((n) => Array.from({ length: total / connections }, (_, turn) => turn * connections + n));
  let killedAt = 0;
  let lastAt = 0;
  let unacknowledged = total;
  const { done, astray } = await runBatch(stand, {
    total,
    inFlight: total / connections,
    kind: "sleep",
    data: (n) => ({ n, ms: jobMs }),
    stallMs: giveUpMs,
    heard: {
      acknowledged() {
        unacknowledged -= 1;
        if (unacknowledged > 0) return;
        setTimeout(() => {
          killedAt = nowUs();
          kill();
        }, killAfterMs);
      },
      result() {
        lastAt = nowUs();
      },
    },
  });
  return { allDoneS: done === total ? (lastAt - killedAt) / 1e6 : Infinity, unfinished: total - done, astray };
}
